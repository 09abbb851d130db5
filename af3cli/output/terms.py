"""What may be done with results, as far as the parameters' owner says so."""

from __future__ import annotations

from af3cli.output.complexes import ModelSource

TERMS_FILE = "TERMS_OF_USE.md"
TERMS_TITLE = "# Terms of use of these results"
MEANINGLESS_STRUCTURE = (
    "The parameters are random numbers. Structures and confidences made with them mean nothing."
)
DISCLAIMER = (
    "A computed model, not an experiment. It has not been validated for clinical use and comes "
    "without warranty of any kind."
)


def licence_sentences(source: ModelSource) -> str:
    """Returns which parameters were used, under which licence, and what that says of results."""
    text = f"Made with the parameters {describe_source(source)}. Their licence: {source.licence}."
    if source.terms_url:
        text += f" Its text: <{source.terms_url}>."
    if source.output_terms_url:
        text += f" By using these results you agree to the terms at <{source.output_terms_url}>."
    return text


def describe_source(source: ModelSource) -> str:
    """Returns the parameters' name, and in brackets their family, file and training cutoff."""
    facts = [f"family {source.family}", source.checkpoint]
    if source.training_cutoff:
        facts.append(f"trained on structures until {source.training_cutoff}")
    return f"{source.name} ({', '.join(filter(None, facts))})"


def disclaimer(source: ModelSource) -> str:
    """Returns what results must not be taken for."""
    return f"{MEANINGLESS_STRUCTURE} {DISCLAIMER}" if source.is_meaningless else DISCLAIMER


def terms_of_use(source: ModelSource) -> str:
    """Returns the text of the file of that name."""
    lines = (
        TERMS_TITLE,
        "",
        licence_sentences(source),
        f"SHA-256 of the parameters: {source.sha256}.",
        "",
        disclaimer(source),
        "",
    )
    return "\n".join(lines)
