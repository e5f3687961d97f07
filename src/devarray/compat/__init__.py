"""Front ends for programs that were written for other systems.

They have those systems' names, and devarray's arrays, devices, streams and kernels underneath.
"""

__all__: list[str] = []
