"""How messages are framed between the fence and a walled child: a length, then that many bytes."""

import struct

LENGTH = struct.Struct("!Q")
