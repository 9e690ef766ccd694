"""The strategy `llm`: a language model designs networks, we try them and keep a journal.

hyperparameters  what a user may choose
recipe           the hyperparameters that are proposed with a network
own_network      our own default network as a program: candidate 0
facts            what a designer is told of the images, and what its networks may be
prompt           requests for a network, a patch of one, a repair
asking           asking within budgets of calls and money
journal          all that was tried, with measures and failures
sameness         when two programs are the same network
dropout          a proposed dropout, put into a traced graph
trial            a candidate put to the test
halving          short trials for all, longer ones for the better half
search           one round: candidates asked for, traced by the sandbox, repaired, tried
state            the search from iteration to iteration
winner           the winner's training, from several seeds
training         the strategy

Generated code never runs here: the strategy wishes for a `Trace`, is sent a graph as data, and trains what it
rebuilds from that with the loop, recipe, splits and metrics of every other vision strategy.
"""

from strategies.vision.llm.training import Llm

__all__ = ["Llm"]
