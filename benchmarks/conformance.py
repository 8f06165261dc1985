"""Spacing, width and thickness by a board, on rendered scenes whose truth is known.

100 scenes of each of three kinds (a mesh, a width, a thickness: 0 to 45 degrees, blur, noise, JPEG, shade, bars
missing), and half as many that cannot be measured. The same as `siteproof evaluate conformance`. Guards against:
measuring that is wrong, intervals that are too narrow or too wide, and values where there should be none.

The limits in the table are those of issue 4. Run it from the repository's root:
`python -m benchmarks.conformance [--scenes 100] [--seed 2026]`; some 1.2 s of one core a scene.
"""

import argparse

from vision.conformance_evaluation import evaluate_conformance


def main() -> None:
    """Run it and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenes", type=int, default=100)
    parser.add_argument("--seed", type=int, default=2026)
    given = parser.parse_args()
    evaluate_conformance(scenes=given.scenes, seed=given.seed, tell=print)


if __name__ == "__main__":
    main()
