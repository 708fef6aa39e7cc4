"""Sea water: the derivative of dynamic enthalpy by temperature, from the 48-term expression for density (IOC, SCOR and IAPSO, 2010).

It is what `equation_of_state` of pyhpc-benchmarks computes. Specific volume is N(p)/D(p), with polynomials in pressure whose coefficients depend on
salinity `sa` and temperature `ct`. Dynamic enthalpy is its integral over pressure: division leaves a polynomial and a remainder, whose integral is
a logarithm of D and one of its roots; `…_t` is a derivative by `ct`.
"""

V = (
    9.998420897506056e2, 2.839940833161907, -3.147759265588511e-2, 1.181805545074306e-3, -6.698001071123802, -2.986498947203215e-2,
    2.327859407479162e-4, -3.988822378968490e-2, 5.095422573880500e-4, -1.426984671633621e-5, 1.645039373682922e-7, -2.233269627352527e-2,
    -3.436090079851880e-4, 3.726050720345733e-6, -1.806789763745328e-4, 6.876837219536232e-7, -3.087032500374211e-7, -1.988366587925593e-8,
    -1.061519070296458e-11, 1.550932729220080e-10, 1.0, 2.775927747785646e-3, -2.349607444135925e-5, 1.119513357486743e-6,
    6.743689325042773e-10, -7.521448093615448e-3, -2.764306979894411e-5, 1.262937315098546e-7, 9.527875081696435e-10, -1.811147201949891e-11,
    -3.303308871386421e-5, 3.801564588876298e-7, -7.672876869259043e-9, -4.634182341116144e-11, 2.681097235569143e-12, 5.419326551148740e-6,
    -2.742185394906099e-5, -3.212746477974189e-7, 3.191413910561627e-9, -1.931012931541776e-12, -1.105097577149576e-7, 6.211426728363857e-10,
    -1.119011592875110e-10, -1.941660213148725e-11, -1.864826425365600e-14, 1.119522344879478e-14, -1.200507748551599e-15, 6.057902487546866e-17,
)  # fmt: skip
"""The 48 coefficients, in their published order."""


def polynomial(first: int, last: int, derivative: bool = False) -> str:
    """Coefficients `first` to `last`, numbered from 1, as a polynomial in `ct`, or as its derivative."""
    numbers = [V[i - 1] for i in range(first, last + 1)]
    if derivative:
        numbers = [power * number for power, number in enumerate(numbers)][1:]
    text = repr(numbers[-1])
    for number in numbers[-2::-1]:
        text = f"({number!r} + ct*{text})"
    return text


def _terms(t: bool) -> dict[str, str]:
    """The coefficients of N and D, or their derivatives."""
    p = lambda first, last: polynomial(first, last, t)  # noqa: E731
    return {
        "d0": f"{p(1, 4)} + sa*({p(5, 7)} + root*{p(8, 11)})",
        "d1": f"0.5*({p(12, 14)} + sa*{p(15, 16)})",
        "d2": f"{p(17, 19)}" + ("" if t else f" + {V[19]!r}*sa"),
        "n0": f"{p(21, 25)} + sa*({p(26, 30)} + " + ("" if t else f"{V[35]!r}*sa + ") + f"root*{p(31, 35)})",
        "n1": f"{p(37, 40)} + sa*{p(41, 42)}",
        "n2": f"{p(43, 45)} + {V[45]!r}*sa" + ("" if t else "*ct"),
        "n3": p(47, 48),
    }


REST = """
let q1 = n3/d2;
let q0 = (n2 - 2*d1*q1)/d2;
let r1 = n1 - d0*q1 - 2*d1*q0;
let r0 = n0 - d0*q0;
let c = 0.5*r1/d2;
let k = r0 - 2*c*d1;
let q1_t = (n3_t - q1*d2_t)/d2;
let q0_t = (n2_t - 2*(d1_t*q1 + d1*q1_t) - q0*d2_t)/d2;
let r1_t = n1_t - d0_t*q1 - d0*q1_t - 2*(d1_t*q0 + d1*q0_t);
let r0_t = n0_t - d0_t*q0 - d0*q0_t;
let c_t = (0.5*r1_t - c*d2_t)/d2;
let k_t = r0_t - 2*(c_t*d1 + c*d1_t);
let d = d0 + p*(2*d1 + d2*p);
let d_t = d0_t + p*(2*d1_t + d2_t*p);
let g = log(d/d0);
let g_t = d_t/d - d0_t/d0;
let w = sqrt(d1*d1 - d0*d2);
let w_t = 0.5*(2*d1*d1_t - d0_t*d2 - d0*d2_t)/w;
let u = d2*p + d1;
let u_t = d2_t*p + d1_t;
let h = 0.5*log(1 + 2*w*d2*p/((d1 - w)*(u + w)))/w;
let l_t = (u_t - w_t)/(u - w) + (d1_t + w_t)/(d1 + w) - (u_t + w_t)/(u + w) - (d1_t - w_t)/(d1 - w);
let h_t = (0.5*l_t - h*w_t)/w;
10000*(q0_t*p + 0.5*q1_t*p*p + c_t*g + c*g_t + k_t*h + k*h_t)
"""

TEXT = "let root = sqrt(sa);\n" + "".join(
    f"let {name}{suffix} = {text};\n" for suffix, t in (("", False), ("_t", True)) for name, text in _terms(t).items()
) + REST
