"""What may be done with results, as far as the parameters' owner says so."""

from __future__ import annotations

from af3cli.output.complexes import ModelSource

MEANINGLESS = (
    "The parameters are random numbers. Structures and confidences made with them mean nothing."
)
DISCLAIMER = (
    "A computed model, not an experiment. It has not been validated for clinical use and comes "
    "without warranty of any kind."
)


def licence_sentence(source: ModelSource) -> str:
    """Returns which parameters were used, under which licence."""
    return f"Made with the parameters {describe_source(source)}. Their licence: {source.licence}."


def describe_source(source: ModelSource) -> str:
    """Returns the parameters' name, and in brackets their family, file and training cutoff."""
    facts = [f"family {source.family}", source.checkpoint]
    if source.training_cutoff:
        facts.append(f"trained on structures until {source.training_cutoff}")
    return f"{source.name} ({', '.join(filter(None, facts))})"


def disclaimer(source: ModelSource) -> str:
    """Returns what results must not be taken for."""
    return f"{MEANINGLESS} {DISCLAIMER}" if source.is_meaningless else DISCLAIMER


def terms_of_use(source: ModelSource) -> str:
    """Returns the text of TERMS_OF_USE.md."""
    lines = ["# Terms of use of these results", "", licence_sentence(source)]
    if source.terms_url:
        lines += [f"By using these files you agree to the terms at <{source.terms_url}>."]
    lines += [f"SHA-256 of the parameters: {source.sha256}.", "", disclaimer(source), ""]
    return "\n".join(lines)
