"""Generated network code runs here, once, and comes back as data: `trace`.

Each program gets a fresh process, forked from a warm server that has an empty environment. Before it is sent
any code, the process walls itself in and proves that it can read, write, connect, fork, signal and outgrow
nothing (`walls`, `proof`); where something is lacking, programs are refused, unless the user does without it
by name. The code then passes the gate (`domain.vision.gate`), builds its network and is traced into two
graphs. These are taken as a claim: checked here as plain JSON, and examined in another walled process that
never ran the code. What is trained is rebuilt from the graph.

What this does not stop: holes in the kernel itself, and in torch's operators where their allow-listed
arguments are hostile; leaks through time or the caches of processors to others on this machine (the process
has nothing to leak but torch and its own code); a network that is useless, or was given its initial weights
to be bad at something; and whoever can write to this installation or run as its user outside of here.
"""

from infra.sandbox.fence import DEFAULT_SECONDS, stop, trace, warm_up

__all__ = ["DEFAULT_SECONDS", "stop", "trace", "warm_up"]
