"""The strategy `llm`: a language model ticks marking points and quotes the evidence; code adds up the marks.

program    what the model is told: instruction, salt, worked examples, sampling
points     an item's marking points and what each is worth
prompt     the request for an answer, the student's text fenced
evidence   whether a quotation occurs in the answer
scoring    from a reply to a share of the marks
examples   worked examples for an answer, from the training answers
marking    answers to requests, and replies to verdicts: training and grading share it
reflection a better instruction asked for, from disagreements
search     candidates tried on the same answers, and which of them is kept
training   the strategy
finishing  the files of a trained model
grader     grading with these files
"""

from strategies.grading.llm.training import Llm

__all__ = ["Llm"]
