"""Stand-in for torchvision where only a build is to be had that does not load beside the installed torch.

It holds what ultralytics imports on the ways that the training tests take. It is on the path of the tests only;
the product does not bring one.
"""

from torchvision import ops

__version__ = "0.28.0"
__all__ = ["ops"]
