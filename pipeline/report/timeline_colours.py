"""Colours of labels, the same in the picture of a timeline and in the rendered video."""

import colorsys

RGB = tuple[int, int, int]

# Told apart by colour-blind eyes too (Okabe and Ito, 2008); without black and yellow, which are hard to see.
_FIRST: tuple[RGB, ...] = (
    (0, 114, 178),
    (230, 159, 0),
    (0, 158, 115),
    (204, 121, 167),
    (86, 180, 233),
    (213, 94, 0),
)
UNREADABLE: RGB = (150, 150, 150)


def label_colours(count: int) -> tuple[RGB, ...]:
    """A colour for each of so many labels, in their order."""
    extra = []
    for number in range(count - len(_FIRST)):
        hue = (0.08 + number * 0.618) % 1  # golden ratio: neighbours differ most
        red, green, blue = colorsys.hsv_to_rgb(hue, 0.45 + 0.4 * (number % 2), 0.62 + 0.2 * (number % 3 == 0))
        extra.append((round(255 * red), round(255 * green), round(255 * blue)))
    return (*_FIRST[:count], *extra)


def hex_colour(rgb: RGB) -> str:
    """As matplotlib and CSS read it."""
    return "#{:02x}{:02x}{:02x}".format(*rgb)


def ink_on(rgb: RGB) -> str:
    """Black or white, whichever can be read on this colour."""
    return "#000000" if 0.299 * rgb[0] + 0.587 * rgb[1] + 0.114 * rgb[2] > 140 else "#ffffff"
