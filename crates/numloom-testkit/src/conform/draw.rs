//! One case from its number.

use std::collections::HashSet;

use numloom_data::broadcast::broadcast_shapes;
use numloom_data::{Array, DType};
use numloom_ir::Schema;

use super::data;
use super::production::{EXTREME, PLACE, PRODUCTIONS, Production, Takes, Values};
use super::subscript;
use super::term::{Term, dtype_of, fill};
use crate::choices::{Choices, seeded};
use crate::layout::Layout;

/// A program for both, and its inputs.
#[derive(Debug)]
pub struct Case {
    /// Its number.
    pub number: u64,
    /// The program as numloom reads it.
    pub text: String,
    /// The same for NumPy, a statement a line; the output without a name is `_`.
    pub numpy: String,
    /// The arrays.
    pub inputs: Vec<Input>,
    /// What each output is made of, its outermost operation first.
    pub outputs: Vec<(String, Vec<Cell>)>,
}

/// An input.
#[derive(Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Its values.
    pub array: Array,
    /// How it is handed to numloom; none is a single value.
    pub layout: Option<Layout>,
}

/// What is counted: an operation and the dtype of its first operand.
pub type Cell = (&'static str, DType);

/// The dtypes of inputs; byte strings have one length for all counts.
const DTYPES: [DType; 15] = {
    let mut dtypes = [DType::Bytes(4); 15];
    let mut i = 0;
    while i < DType::ALL.len() {
        dtypes[i] = DType::ALL[i];
        i += 1;
    }
    dtypes
};

/// Every operation on every dtype, and whether it is defined there.
pub fn cells() -> impl Iterator<Item = (&'static Production, DType, bool)> {
    PRODUCTIONS.iter().flat_map(|production| {
        DTYPES
            .into_iter()
            .map(move |dtype| (production, dtype, production.takes(dtype)))
    })
}

/// The case of this number: operations and dtypes by turns as long as there are some not drawn, then at random.
#[must_use]
pub fn draw(seed: u64, number: u64) -> Case {
    let bytes = seeded(seed.rotate_left(32) ^ number, 1500);
    let mut choices = Choices::new(&bytes);
    let turn = usize::try_from(number).ok().and_then(|i| cells().nth(i));
    let mut draft = Draft::new(shape(&mut choices));
    match turn {
        Some((production, dtype, _)) => draft.output(&mut choices, production, dtype, 0, None),
        None => draft.program(&mut choices),
    }
    draft.drop_unused();
    let text = draft.text.join("; ");
    // What was written and not used has left its inputs behind.
    let words: HashSet<&str> = text.split(|c: char| !c.is_ascii_alphanumeric()).collect();
    draft.inputs.retain(|input| words.contains(&input.name[..]));
    Case {
        number,
        numpy: draft.numpy.join("\n"),
        inputs: draft.inputs,
        outputs: draft.outputs,
        text,
    }
}

/// Mostly short, seldom past the leaves of reductions; no axes, or an empty one, now and then.
fn shape(choices: &mut Choices<'_>) -> Vec<usize> {
    match choices.below(24) {
        0..=8 => vec![1 + choices.below(70)],
        9..=11 => vec![choices.below(200)],
        12..=16 => vec![1 + choices.below(9), 1 + choices.below(19)],
        17..=19 => vec![
            1 + choices.below(4),
            1 + choices.below(5),
            1 + choices.below(7),
        ],
        20 => vec![
            2,
            1 + choices.below(3),
            1 + choices.below(3),
            1 + choices.below(4),
        ],
        21 => Vec::new(),
        22 => match choices.below(3) {
            0 => vec![0],
            1 => vec![3, 0],
            _ => vec![0, 4],
        },
        _ => match choices.below(6) {
            0 => vec![1000 + choices.below(19_000)],
            1 => vec![1 + choices.below(5000), 1 + choices.below(3)],
            2 => vec![1 + choices.below(3), 1 + choices.below(5000)],
            _ => vec![200 + choices.below(2000)],
        },
    }
}

struct Draft {
    /// What all operands broadcast to.
    shape: Vec<usize>,
    /// Whether a few may not: outermost only, since numloom leaves out what is not needed, as `x` in `ones_like(x)`, and NumPy does not.
    misfits: bool,
    inputs: Vec<Input>,
    schema: Schema,
    /// The statements in both languages.
    text: Vec<String>,
    numpy: Vec<String>,
    /// Values that have a name.
    temporaries: Vec<(Term, Vec<Cell>)>,
    outputs: Vec<(String, Vec<Cell>)>,
}

/// Arguments by name, which most often read the same in both languages.
#[derive(Default)]
struct Keywords {
    text: String,
    numpy: String,
    shape: Vec<usize>,
}

impl Keywords {
    fn push(&mut self, text: &str) {
        self.text += text;
        self.numpy += text;
    }

    /// No axis, one, several where they may be, seldom one that does not exist, if any may; those that are meant.
    fn axis(
        &mut self,
        choices: &mut Choices<'_>,
        n: usize,
        several: bool,
        misfits: bool,
    ) -> Vec<usize> {
        let all = (0..n).collect();
        let signed = |choices: &mut Choices<'_>, axis: usize| match choices.chance(30) {
            true => axis as isize - n as isize,
            false => axis as isize,
        };
        match choices.below(20) {
            0..=6 => all,
            7 => {
                self.push(", axis=None");
                all
            }
            8 if misfits => {
                self.push(&format!(", axis={n}"));
                all
            }
            9..=13 if n > 1 && several => {
                let left_out = choices.below(n + 1);
                let axes: Vec<usize> = (0..n).filter(|&axis| axis != left_out).collect();
                let listed = axes.iter().map(|&axis| signed(choices, axis).to_string());
                let listed: Vec<String> = listed.collect();
                self.push(&format!(", axis=({},)", listed.join(", ")));
                axes
            }
            _ if n > 0 => {
                let axis = choices.below(n);
                self.push(&format!(", axis={}", signed(choices, axis)));
                vec![axis]
            }
            _ => all,
        }
    }

    fn reduce(&mut self, axes: &[usize], keepdims: bool) {
        let kept = |(axis, &n): (usize, &usize)| match (axes.contains(&axis), keepdims) {
            (false, _) => Some(n),
            (true, true) => Some(1),
            (true, false) => None,
        };
        self.shape = self.shape.iter().enumerate().filter_map(kept).collect();
    }
}

/// What the expression being written is made of, innermost first.
type Trail = Vec<Cell>;

impl Draft {
    fn new(shape: Vec<usize>) -> Draft {
        Draft {
            shape,
            misfits: false,
            inputs: Vec::new(),
            schema: Schema::new(),
            text: Vec::new(),
            numpy: Vec::new(),
            temporaries: Vec::new(),
            outputs: Vec::new(),
        }
    }

    /// A few statements of random expressions.
    fn program(&mut self, choices: &mut Choices<'_>) {
        for _ in 0..[0, 0, 1, 2, 3][choices.below(5)] {
            let mut trail = Vec::new();
            let dtype = *choices.pick(&DTYPES);
            let depth = choices.below(3);
            if let Some(mut term) = self.inner(choices, dtype, depth, &mut trail) {
                let name = format!("t{}", self.temporaries.len());
                self.text.push(format!("let {name} = {}", term.text));
                self.numpy.push(format!("{name} = {}", term.numpy));
                (term.text, term.numpy) = (name.clone(), name);
                self.temporaries.push((term, trail));
            }
        }
        let outputs = [1, 1, 1, 2, 4][choices.below(5)];
        for i in 0..outputs {
            let production = choices.pick(PRODUCTIONS);
            let defined: Vec<DType> = DTYPES
                .into_iter()
                .filter(|&dtype| production.takes(dtype))
                .collect();
            let odd = choices.chance(3);
            let dtype = *choices.pick(if odd { &DTYPES } else { &defined });
            let depth = choices.below(4);
            let name = (i + 1 < outputs).then(|| format!("y{i}"));
            self.output(choices, production, dtype, depth, name);
        }
    }

    /// Takes back the temporaries that nothing uses: numloom does not compute them, so that they cannot fail, and NumPy would.
    fn drop_unused(&mut self) {
        for i in (0..self.temporaries.len()).rev() {
            let name = &self.temporaries[i].0.text;
            let used = |text: &String| {
                text.split(|c: char| !c.is_ascii_alphanumeric())
                    .any(|word| word == name)
            };
            if !self.text[i + 1..].iter().any(used) {
                self.text.remove(i);
                self.numpy.remove(i);
            }
        }
    }

    /// An output: `production` on a first operand of `dtype`.
    fn output(
        &mut self,
        choices: &mut Choices<'_>,
        production: &'static Production,
        dtype: DType,
        depth: usize,
        name: Option<String>,
    ) {
        let mut trail = Vec::new();
        self.misfits = depth == 0;
        let term = self.apply(choices, production, dtype, depth, &mut trail);
        self.misfits = false;
        trail.reverse();
        let numpy = name.as_deref().unwrap_or("_");
        self.numpy.push(format!("{numpy} = {}", term.numpy));
        self.outputs.push((numpy.to_owned(), trail));
        self.text.push(match name {
            Some(name) => format!("{name} = {}", term.text),
            None => term.text,
        });
    }

    /// `production` on a first operand of `dtype`, the others of what it takes. Nobody has typed it yet.
    fn apply(
        &mut self,
        choices: &mut Choices<'_>,
        production: &'static Production,
        dtype: DType,
        depth: usize,
        trail: &mut Trail,
    ) -> Term {
        // A literal first now and then, where a second operand has a dtype.
        let weak = match production.takes {
            [first, _, ..] if first.literal && choices.chance(8) => 0,
            [_, _, ..] if choices.chance(25) => 1 + choices.below(production.takes.len() - 1),
            _ => usize::MAX,
        };
        let mut operands = Vec::new();
        for (i, takes) in production.takes.iter().enumerate() {
            if i == weak && takes.literal {
                operands.push(Term::literal(*choices.pick(data::literals(takes))));
                continue;
            }
            let same =
                i == 0 || i == 1 && weak == 0 || choices.chance(50) && takes.domain.contains(dtype);
            let dtype = if same {
                dtype
            } else {
                dtype_in(choices, takes)
            };
            operands.push(self.operand(choices, takes, dtype, depth, trail));
        }
        let lead = operands.iter().find_map(|term| term.dtype).unwrap_or(dtype);
        trail.push((production.name, lead));
        let exact = operands
            .iter()
            .all(|term| term.exact && production.is_exact(term.dtype.unwrap_or(DType::Bool)));
        let shapes: Vec<&[usize]> = operands.iter().map(|term| &term.shape[..]).collect();
        let shape = broadcast_shapes(&shapes).unwrap_or_default();
        let keywords = self.keywords(choices, production, &shape, lead);
        let operand_texts = operands.iter().map(|term| &term.text[..]);
        let text = fill(production.text, '$', operand_texts);
        let widened: Vec<String> = operands.iter().map(Term::operand).collect();
        let numpy = fill(
            &production.numpy(),
            '$',
            widened.iter().map(|text| &text[..]),
        );
        let numpy = fill(&numpy, '@', operands.iter().map(|term| &term.numpy[..]));
        Term {
            text: text.replace("$k", &keywords.text),
            numpy: numpy.replace("$k", &keywords.numpy),
            dtype: None,
            shape: keywords.shape,
            exact,
        }
    }

    /// Keywords of a reduction of `shape`, and the shape that it leaves.
    fn keywords(
        &mut self,
        choices: &mut Choices<'_>,
        production: &Production,
        shape: &[usize],
        lead: DType,
    ) -> Keywords {
        let mut keywords = Keywords {
            shape: shape.to_vec(),
            ..Keywords::default()
        };
        let (mut axes, mut keepdims): (Vec<usize>, bool) = ((0..shape.len()).collect(), false);
        for &keyword in production.keywords {
            match keyword {
                "axis" => {
                    let several = production.keywords != PLACE;
                    axes = keywords.axis(choices, shape.len(), several, self.misfits);
                }
                "keepdims" if choices.chance(40) => {
                    keepdims = true;
                    keywords.push(", keepdims=True");
                }
                "dtype" if choices.chance(12) => {
                    // Integers keep to integers: to which of them a float sum goes first is NumPy's own affair.
                    let names: &[[&str; 2]] = match lead {
                        _ if lead.is_float() => &[["f64", "float64"], ["f32", "float32"]],
                        _ if lead.is_complex() => &[["c128", "complex128"], ["c64", "complex64"]],
                        _ => &[
                            ["f64", "float64"],
                            ["i64", "int64"],
                            ["u16", "uint16"],
                            ["i8", "int8"],
                        ],
                    };
                    let [ours, theirs] = choices.pick(names);
                    keywords.text += &format!(", dtype={ours}");
                    keywords.numpy += &format!(", dtype=np.{theirs}");
                }
                "float dtype" if choices.chance(12) => {
                    let names: &[[&str; 2]] = match lead.is_complex() {
                        true => &[["c128", "complex128"], ["c64", "complex64"]],
                        false => &[["f64", "float64"], ["f32", "float32"]],
                    };
                    let [ours, theirs] = choices.pick(names);
                    keywords.text += &format!(", dtype={ours}");
                    keywords.numpy += &format!(", dtype=np.{theirs}");
                }
                "initial" if choices.chance(20) => {
                    let values: &[&str] = match lead {
                        DType::Bool if production.keywords == EXTREME => &["True", "False"],
                        _ if lead.is_float() => &["0", "2.5", "-1", "inf"],
                        _ => &["0", "3", "1"],
                    };
                    keywords.push(&format!(", initial={}", choices.pick(values)));
                }
                "where" if choices.chance(20) => {
                    let own = std::mem::replace(&mut self.shape, shape.to_vec());
                    let mask = self.leaf(choices, Values::Exponent, DType::Bool);
                    self.shape = own;
                    keywords.push(&format!(", where={}", mask.text));
                }
                "ddof" if choices.chance(40) => {
                    keywords.push(&format!(", ddof={}", choices.below(4)));
                }
                _ => {}
            }
        }
        if !production.keywords.is_empty() {
            keywords.reduce(&axes, keepdims);
        }
        keywords
    }

    /// An operand of `dtype`, or, where an expression stands in its place, of one that is taken as well.
    fn operand(
        &mut self,
        choices: &mut Choices<'_>,
        takes: &Takes,
        dtype: DType,
        depth: usize,
        trail: &mut Trail,
    ) -> Term {
        if depth > 0 && choices.chance(80) {
            let mark = trail.len();
            if let Some(term) = self.inner(choices, dtype, depth - 1, trail)
                && term.dtype.is_some_and(|dtype| takes.domain.contains(dtype))
            {
                return term;
            }
            trail.truncate(mark);
        }
        let fitting = |(term, _): &&(Term, Trail)| term.dtype == Some(dtype);
        if choices.chance(40)
            && let Some((term, made_of)) = self.temporaries.iter().find(fitting)
        {
            trail.extend(made_of);
            return term.clone();
        }
        self.leaf(choices, takes.values, dtype)
    }

    /// An expression that may stand within another: exact, and accepted by numloom. Inputs that a refused one would have named are
    /// taken back.
    fn inner(
        &mut self,
        choices: &mut Choices<'_>,
        dtype: DType,
        depth: usize,
        trail: &mut Trail,
    ) -> Option<Term> {
        let (inputs, mark) = (self.inputs.len(), trail.len());
        let production = choices.pick(PRODUCTIONS);
        // Of no elements some reductions fail.
        let may_fail =
            production.faults || !production.keywords.is_empty() && self.shape.contains(&0);
        if production.takes(dtype) && !may_fail {
            let mut term = self.apply(choices, production, dtype, depth, trail);
            term.dtype = self.dtype_of(&term);
            // An integer to a float power is a float.
            if term.exact && term.dtype.is_some_and(|dtype| production.is_exact(dtype)) {
                return Some(term);
            }
        }
        self.inputs.truncate(inputs);
        self.schema.inputs.truncate(inputs);
        trail.truncate(mark);
        None
    }

    fn dtype_of(&self, term: &Term) -> Option<DType> {
        let mut text = self.text.join("; ");
        if !text.is_empty() {
            text.push_str("; ");
        }
        text.push_str("typed = ");
        text.push_str(&term.text);
        dtype_of(&text, &self.schema).ok()
    }

    /// An input, a new one or one that is there.
    fn leaf(&mut self, choices: &mut Choices<'_>, values: Values, dtype: DType) -> Term {
        let there = self
            .inputs
            .iter()
            .find(|input| input.array.dtype() == dtype);
        if values == Values::Any
            && choices.chance(20)
            && let Some(input) = there
        {
            return named(input);
        }
        if values == Values::Part || choices.chance(10) {
            return self.subscripted(choices, values, dtype);
        }
        let (shape, stretched) = self.part(choices);
        let stored: Vec<usize> = shape
            .iter()
            .zip(&stretched)
            .map(|(&n, &one)| if one { n.min(1) } else { n })
            .collect();
        let mut array = data::array(choices, dtype, &stored, values);
        let mut layout = Some(*choices.pick(&Layout::ALL));
        if stored != shape {
            layout = Some(Layout::Broadcast);
            let view = array.view();
            let stretched = view.broadcast_to(&shape).expect("axes of one stretch");
            array = stretched.to_array().expect("small arrays can be had");
        } else if shape.is_empty() && choices.chance(50) {
            layout = None;
        }
        named(self.input(array, layout))
    }

    fn input(&mut self, array: Array, layout: Option<Layout>) -> &Input {
        let name = format!("x{}", self.inputs.len());
        self.schema = std::mem::take(&mut self.schema).with(&name, array.dtype());
        self.inputs.push(Input {
            name,
            array,
            layout,
        });
        self.inputs.last().expect("it was just put there")
    }

    /// A part of an input, of a shape that broadcasts to the case's.
    fn subscripted(&mut self, choices: &mut Choices<'_>, values: Values, dtype: DType) -> Term {
        let (shape, _) = self.part(choices);
        let there = self.inputs.iter().find(|input| {
            input.array.dtype() == dtype
                && input.array.ndim() == shape.len()
                && !shape.is_empty()
                && input
                    .array
                    .shape()
                    .iter()
                    .zip(&shape)
                    .all(|(have, want)| have >= want)
        });
        let (input, items) = match there {
            // As in `a[1:] - a[:-1]`.
            Some(input) if choices.chance(60) => {
                let spans = input.array.shape().iter().zip(&shape);
                let items = spans
                    .map(|(&have, &want)| subscript::within(choices, have, want))
                    .collect();
                (input, items)
            }
            _ => {
                let (stored, items) = subscript::around(choices, &shape);
                let array = data::array(choices, dtype, &stored, values);
                let layout = *choices.pick(&Layout::ALL);
                (self.input(array, Some(layout)), items)
            }
        };
        let text = format!("{}[{}]", input.name, items.join(", "));
        Term {
            text: text.clone(),
            numpy: text,
            dtype: Some(dtype),
            shape,
            exact: true,
        }
    }

    /// A shape that broadcasts to the case's, and which axes are to be of stride 0. One in a hundred does not broadcast, if any may.
    fn part(&self, choices: &mut Choices<'_>) -> (Vec<usize>, Vec<bool>) {
        let mut shape = self.shape.clone();
        match choices.below(12) {
            0 => shape.clear(),
            1 if !shape.is_empty() => {
                shape.remove(0);
            }
            2 if !shape.is_empty() => {
                let axis = choices.below(shape.len());
                shape[axis] = 1;
            }
            3 if self.misfits && !shape.is_empty() && choices.chance(12) => {
                let axis = choices.below(shape.len());
                shape[axis] += 1;
            }
            _ => {}
        }
        let stretch = choices.chance(15);
        let stretched = shape
            .iter()
            .map(|_| stretch && choices.chance(50))
            .collect();
        (shape, stretched)
    }
}

/// An input as a term.
fn named(input: &Input) -> Term {
    Term {
        text: input.name.clone(),
        numpy: input.name.clone(),
        dtype: Some(input.array.dtype()),
        shape: input.array.shape().to_vec(),
        exact: true,
    }
}

fn dtype_in(choices: &mut Choices<'_>, takes: &Takes) -> DType {
    let fitting: Vec<DType> = DTYPES
        .into_iter()
        .filter(|&dtype| takes.domain.contains(dtype))
        .collect();
    *choices.pick(&fitting)
}
