"""The page of a comparison: which head the clips support, for someone who was not there."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pipeline.report import compare_curves, compare_variants
from pipeline.report import compare_sections as sections
from pipeline.report import compare_words as words
from pipeline.report.compare_result import CompareResult
from pipeline.report.ladder_chart import ladder_chart
from pipeline.report.page import write_page

_MOST_CLASSES = 12  # more are folded away


def write_compare_page(path: Path, result: Mapping[str, Any]) -> None:
    """Writes the page: one file that needs no other.

    Args:
        path: an `.html`, written whole or not at all.
        result: the content of result.json of a finished comparison.

    Raises:
        MachineError: it cannot be written.
    """
    comparison = CompareResult(result=result)
    topics = [
        (words.TOPICS.get(each["topic"], each["topic"]), each["sentence"])
        for each in result["verdict"]["sentences"]
    ]
    classes = sections.class_bars(comparison)
    write_page(
        path,
        "compare.html",
        {
            "name": result["name"],
            "version": result["version"],
            "data": result["data"],
            "plan": result["plan"],
            "variant": comparison.reference,
            "features": words.features_words(comparison),
            "num_variants": len(result["variants"]),
            "question": words.question(comparison),
            "clips": words.clips_sentence(comparison),
            "how": words.plan_sentences(comparison),
            "no_intervals": words.why_no_intervals(comparison),
            "headline_figures": sections.headline(comparison),
            "first_sentence": topics[0][1] if topics else "Nothing was found that could be said.",
            "supported_what": next(
                (head["what"] for head in comparison.heads if head["name"] == comparison.supported), ""
            ),
            "topics": topics[1:],
            "classes": classes,
            "folds_classes": len(classes) > _MOST_CLASSES,
            "has_beside": any(head["place"] != "ladder" for head in comparison.heads),
            "heads": sections.head_rows(comparison),
            "beats_nothing": comparison.beats_nothing,
            "ladder": ladder_chart(comparison),
            "scores": sections.score_cells(comparison),
            "score_words": words.SCORE_WORDS,
            "costs": sections.cost_rows(comparison),
            "pairs": sections.pair_section(comparison),
            "pairs_summary": words.pairs_summary(comparison),
            "curves": compare_curves.curve_charts(comparison),
            "has_all_curves": len(comparison.lines("curves")) >= len(comparison.heads) - 1,
            "curve_table": compare_curves.curve_rows(comparison),
            "no_curves": words.missing_words(comparison, "curves"),
            "clip_sentences": comparison.sentences("clips"),
            "sizes": compare_curves.size_section(comparison),
            "no_sizes": words.missing_words(comparison, "hidden_sizes"),
            "gaps": sections.gap_figure(comparison),
            "order": sections.order_section(comparison),
            "order_sentences": comparison.sentences("order"),
            "claims": sections.claim_rows(comparison),
            "attention": sections.attention_rows(comparison),
            "shrink": sections.shrink_row(comparison),
            "shrink_sentences": comparison.sentences("shrink"),
            "backbones": compare_variants.backbone_table(comparison),
            "backbone_sentences": comparison.sentences("backbone"),
            "fits": compare_variants.fit_section(comparison),
            "fit_sentences": comparison.sentences("fit"),
            "limits": words.limits(comparison),
            "commands": result["commands"],
            "best_head": words.best_head(comparison),
            "cpu": words.seconds_words(result["seconds"]["cpu"]),
            "took": words.seconds_words(result["seconds"]["wall"]),
        },
    )
