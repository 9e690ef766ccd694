"""`trainyard models`: what the configured providers offer, at what price, and until when."""

from __future__ import annotations

from flows.commands.running import launch
from flows.commands.speech import Json, print_json, say, show_rows


def models(json: Json = False) -> None:
    """List the language models that the configured providers offer, their prices and shutdown dates."""
    launch()
    from tasks.language_models import changed_models, offered_models

    rows = offered_models()
    if json:
        print_json(rows)
    else:
        show_rows(
            rows,
            json=False,
            nothing="no provider is set up: export TRAINYARD_OPENAI_API_KEY, TRAINYARD_DEEPSEEK_API_KEY, "
            "TRAINYARD_GROQ_API_KEY or TRAINYARD_LLM_BASE_URL",
        )
    for sentence in changed_models():
        say(f"changed: {sentence}")
