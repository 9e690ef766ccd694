"""A language-model server without a language model: for tests, benchmarks and trying things without a key.

A real HTTP server on the loopback that speaks the wire formats of OpenAI, Groq and DeepSeek, misbehaves
as told (`behaviour`), and answers by rules of its own (`responders`): it can grade, badly at first and
better the better it is instructed, so that a training has something true to find.
"""
