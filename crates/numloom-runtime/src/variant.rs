//! What is compiled of a program: a part of its outputs, for inputs that lie in a certain way.
//!
//! What goes in: a [`Program`] and the outputs that share an iteration space. What comes out: a [`Part`], and its [`Variant`]s, each
//! scheduled and compiled for the class of each input. Variants are made as they are met, and finding one takes no lock. What it
//! never does: look at data.

use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use numloom_data::DType;
use numloom_ir::{Form, InputClass, Inst, InstKind, Kernel, Op, Program, accumulator_of, schedule};

use crate::code::{Code, Compiler};
use crate::error::RuntimeError;

/// The most variants of one part; further combinations of classes run on the all-contiguous one.
const MAX_VARIANTS: usize = 32;

/// A list that only grows, and is read without a lock.
#[derive(Debug)]
pub(crate) struct Growing<T> {
    first: OnceLock<Box<Link<T>>>,
    len: AtomicUsize,
}

#[derive(Debug)]
struct Link<T> {
    item: T,
    next: OnceLock<Box<Link<T>>>,
}

impl<T> Growing<T> {
    pub(crate) const fn new() -> Growing<T> {
        Growing {
            first: OnceLock::new(),
            len: AtomicUsize::new(0),
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = &T> {
        let mut at = &self.first;
        std::iter::from_fn(move || {
            let link = at.get()?;
            at = &link.next;
            Some(&link.item)
        })
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Relaxed)
    }

    /// Appends `item` unless another that `is_same` is there first; the one in the list.
    pub(crate) fn insert(&self, item: T, is_same: impl Fn(&T, &T) -> bool) -> &T {
        let mut link = Box::new(Link {
            item,
            next: OnceLock::new(),
        });
        let mut at = &self.first;
        loop {
            match at.set(link) {
                Ok(()) => {
                    self.len.fetch_add(1, Ordering::Relaxed);
                    return &at.get().expect("it was just set").item;
                }
                Err(refused) => link = refused,
            }
            let there = at.get().expect("it was set before");
            if is_same(&there.item, &link.item) {
                return &there.item;
            }
            at = &there.next;
        }
    }
}

/// The class of each input, one bit an input: 1 for [`InputClass::Scalar`].
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub(crate) struct Classes(Vec<u64>);

impl Classes {
    pub(crate) fn new(classes: &[InputClass]) -> Classes {
        let mut bits = Classes::default();
        bits.reset(classes.len());
        for (i, &class) in classes.iter().enumerate() {
            if class == InputClass::Scalar {
                bits.set_scalar(i);
            }
        }
        bits
    }

    /// All `n` contiguous.
    pub(crate) fn reset(&mut self, n: usize) {
        self.0.clear();
        self.0.resize(n.div_ceil(64), 0);
    }

    pub(crate) fn set_scalar(&mut self, i: usize) {
        self.0[i / 64] |= 1 << (i % 64);
    }

    pub(crate) fn set_contiguous(&mut self, i: usize) {
        self.0[i / 64] &= !(1 << (i % 64));
    }

    pub(crate) fn is_scalar(&self, i: usize) -> bool {
        self.0[i / 64] >> (i % 64) & 1 == 1
    }

    fn list(&self, n: usize) -> Vec<InputClass> {
        let class = |i| match self.is_scalar(i) {
            true => InputClass::Scalar,
            false => InputClass::Contiguous,
        };
        (0..n).map(class).collect()
    }
}

/// A kernel and what runs it.
#[derive(Debug)]
pub(crate) struct Variant {
    classes: Classes,
    form: Form,
    pub(crate) kernel: Arc<Kernel>,
    pub(crate) code: Code,
    /// Why it is the interpreter, if it is not by choice.
    pub(crate) fallback: Option<String>,
}

impl Variant {
    /// About how many bytes it holds.
    fn bytes(&self) -> usize {
        let insts = |step: &numloom_ir::Step| match step {
            numloom_ir::Step::Loop(insts) => insts.len(),
            numloom_ir::Step::Call(_) | numloom_ir::Step::Accumulate(_) => 2,
        };
        let ir: usize = self.kernel.steps.iter().map(insts).sum();
        1024 + 96 * ir + self.code.bytes()
    }
}

/// The program of one pass: its outputs share an iteration space, and reductions are outputs only.
#[derive(Debug)]
pub(crate) struct Part {
    prog: Arc<Program>,
    /// Its outputs that are arrays, in the order of the kernel's.
    pub(crate) arrays: Box<[usize]>,
    /// Inputs that are read, ascending.
    pub(crate) inputs: Box<[usize]>,
    /// Whether any output is reduced.
    pub(crate) reduces: bool,
    /// Whether an element can fault.
    pub(crate) faults: bool,
    /// Whether a function may be called, which needs scratch memory.
    calls: bool,
    /// Bytes read and written for each element of the space, all operands contiguous.
    pub(crate) bytes_per_element: usize,
    /// A rough estimate of the time of an element, in picoseconds.
    pub(crate) work: usize,
    variants: Growing<Variant>,
}

impl Part {
    /// What runs `prog`.
    pub(crate) fn new(prog: &Arc<Program>) -> Part {
        let live = prog.live();
        let mut inputs = vec![false; prog.inputs.len()];
        let mut part = Part {
            prog: Arc::clone(prog),
            arrays: Box::default(),
            inputs: Box::default(),
            reduces: false,
            faults: false,
            calls: false,
            bytes_per_element: 0,
            work: 0,
            variants: Growing::new(),
        };
        for (_, inst) in (prog.insts.iter().enumerate()).filter(|(i, _)| live[*i]) {
            match &inst.kind {
                InstKind::Input(i) => inputs[*i as usize] = true,
                InstKind::Const(_) => {}
                InstKind::Reduce(reduce) => {
                    part.reduces = true;
                    let (acc, _) = accumulator_of(reduce.reduction, prog.dtype(reduce.args[0]));
                    part.calls |= !acc.op.is_inline();
                    // Each word takes an operation or so.
                    part.work += OPERATION * acc.words() * acc.dtype.itemsize();
                }
                InstKind::Count { .. } => unreachable!("counts are scalars"),
                InstKind::Apply { op, args } => {
                    let from = prog.dtype(args[args.len() - 1]);
                    part.faults |= op.can_fault(from);
                    part.calls |= op.is_block(from, inst.dtype);
                    part.work += work(*op, from, inst.dtype);
                }
            }
        }
        part.inputs = (0..inputs.len()).filter(|&i| inputs[i]).collect();
        let read = part.inputs.iter().map(|&i| prog.inputs[i].dtype.itemsize());
        let arrays =
            (prog.outputs.iter().enumerate()).filter(|(_, output)| !is_reduced(prog, output.value));
        let written = (arrays.clone()).map(|(_, output)| prog.dtype(output.value).itemsize());
        part.bytes_per_element = read.chain(written).sum();
        part.arrays = arrays.map(|(i, _)| i).collect();
        part.work += BYTE * part.bytes_per_element;
        part
    }

    /// Classes as a variant has them: inputs that are not read have no say.
    pub(crate) fn classes(&self, classes: &[InputClass]) -> Classes {
        let mut wanted = Classes::new(classes);
        for i in (0..classes.len()).filter(|i| self.inputs.binary_search(i).is_err()) {
            wanted.set_contiguous(i);
        }
        wanted
    }

    /// The form for operands that are all in place. Whole leaves are rows of one call; but a kernel with functions takes shorter blocks.
    pub(crate) fn leaves(&self) -> Form {
        match self.reduces && !self.calls {
            true => Form::Rows,
            false => Form::Lanes,
        }
    }

    /// The variant for `classes` and `form`, compiled if it is met for the first time; past [`MAX_VARIANTS`] of them the
    /// all-contiguous one, with `classes` set to that.
    pub(crate) fn variant(
        &self,
        classes: &mut Classes,
        form: Form,
        compiler: &Compiler,
    ) -> Result<&Variant, RuntimeError> {
        let met = |classes: &Classes| {
            let mut variants = self.variants.iter();
            variants.find(|v| v.classes == *classes && v.form == form)
        };
        if let Some(variant) = met(classes) {
            return Ok(variant);
        }
        if self.variants.len() >= MAX_VARIANTS {
            classes.reset(self.prog.inputs.len());
            if let Some(variant) = met(classes) {
                return Ok(variant);
            }
        }
        let classes_list = classes.list(self.prog.inputs.len());
        let kernel = Arc::new(schedule(&self.prog, &classes_list, form));
        let (code, fallback) = compiler.compile(&kernel)?;
        let variant = Variant {
            classes: classes.clone(),
            form,
            kernel,
            code,
            fallback,
        };
        let same = |a: &Variant, b: &Variant| a.classes == b.classes && a.form == b.form;
        Ok(self.variants.insert(variant, same))
    }

    /// The variant for up to 64 inputs of these classes, one bit an input, if it was met before.
    #[cfg(feature = "jit")]
    pub(crate) fn met(&self, scalars: u64) -> Option<&Variant> {
        // As in `classes`, inputs that are not read have no say.
        let read = self.inputs.iter().fold(0, |bits, i| bits | 1 << i);
        self.variants
            .iter()
            .find(|v| v.form == self.leaves() && v.classes.0 == [scalars & read])
    }

    /// The instructions that its outputs hand out.
    pub(crate) fn roots(&self) -> impl Iterator<Item = &Inst> {
        let root = |output: &numloom_ir::Output| self.prog.inst(output.value);
        self.prog.outputs.iter().map(root)
    }

    /// The name of input `i`.
    pub(crate) fn input_name(&self, i: usize) -> &str {
        &self.prog.inputs[i].name
    }

    /// About how many bytes its variants hold.
    pub(crate) fn bytes(&self) -> usize {
        self.variants.iter().map(Variant::bytes).sum()
    }

    /// How many variants there are.
    pub(crate) fn variants(&self) -> usize {
        self.variants.len()
    }
}

/// Whether a value is a reduction.
fn is_reduced(prog: &Program, value: numloom_ir::Value) -> bool {
    matches!(prog.inst(value).kind, InstKind::Reduce(_))
}

/// A rough estimate of the time of an operation on one element, in picoseconds: it decides when threads are worth waking, and what is worth computing
/// once for each row or column. Of functions: `exp` and `log` take a nanosecond each with AVX-512, and on other machines up to four times that.
pub(crate) fn work(op: Op, from: DType, to: DType) -> usize {
    if op.is_block(from, to) {
        150 * from.itemsize()
    } else {
        OPERATION * from.itemsize()
    }
}

/// The time of an operation on a byte of a vector, in picoseconds.
const OPERATION: usize = 12;

/// The time to move a byte through the caches, in picoseconds.
const BYTE: usize = 20;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_growing_list_keeps_the_first_of_equals() {
        let list = Growing::new();
        assert_eq!(list.iter().count(), 0);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| (0..50).for_each(|i| assert_eq!(*list.insert(i, |a, b| a == b), i)));
            }
        });
        let mut items: Vec<_> = list.iter().copied().collect();
        items.sort_unstable();
        assert_eq!(items, (0..50).collect::<Vec<_>>());
        assert_eq!(list.len(), 50);
    }

    #[test]
    fn classes_are_told_apart_past_one_word() {
        let mut list = vec![InputClass::Contiguous; 70];
        list[66] = InputClass::Scalar;
        let classes = Classes::new(&list);
        assert!(classes.is_scalar(66) && !classes.is_scalar(2));
        assert_eq!(classes.list(70), list);
        assert_ne!(classes, Classes::new(&[InputClass::Contiguous; 70]));
    }
}
