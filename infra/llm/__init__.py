"""Language models of OpenAI, DeepSeek, Groq and any compatible server: one client that loses no reply."""

from infra.llm.budget import Budget
from infra.llm.client import LanguageModels
from infra.llm.models import OfferedModel

__all__ = ["Budget", "LanguageModels", "OfferedModel"]
