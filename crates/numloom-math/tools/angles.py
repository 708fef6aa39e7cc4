"""Writes tests/angles.txt: of every binade, the floats nearest to multiples of pi/2, as bits.

    pip install mpmath && python tools/angles.py > tests/angles.txt

Where an angle's reduction cancels most: W. Kahan, "Minimizing q*m - n", 1983. For 2^e times a mantissa m below 2^53 the distance of `m 2^e 2/pi` from the next
integer is least at denominators of convergents of the continued fraction of `2^e 2/pi`, and at their multiples.
"""

import struct

from mpmath import floor, mp, mpf, pi

mp.prec = 2400


def denominators(alpha):
    """Of the convergents, below 2^53."""
    q0, q1, x = 0, 1, alpha
    while q1 < 2**53:
        yield q1
        rest = x - floor(x)
        x = 1 / rest
        q0, q1 = q1, int(floor(x)) * q1 + q0


def main():
    print("# Of every binade, the floats nearest to multiples of pi/2, as bits. Written by tools/angles.py.")
    for e in range(-52, 972):
        alpha = mpf(2) ** e * 2 / pi
        best = []
        for q in denominators(alpha):
            # Multiples that are normal mantissas of this exponent.
            for m in range(-(-(2**52) // q), min((2**53 - 1) // q, -(-(2**52) // q) + 3) + 1):
                x = m * q
                t = x * alpha
                best.append((abs(t - floor(t + 0.5)), x))
        for _, x in sorted(set(best))[:2]:
            print(struct.pack(">d", float(mpf(x) * mpf(2) ** e)).hex())


main()
