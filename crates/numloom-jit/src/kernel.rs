#![expect(
    unsafe_code,
    reason = "runs compiled code, which works on raw pointers"
)]
//! A kernel and its machine code.

use std::mem::transmute;
use std::ptr;
use std::sync::Arc;

use numloom_ir::interp::Block;
use numloom_ir::{Form, InputClass, Isa, Kernel, LoopOp, Place, Step, verify_kernel};

use crate::abi::{CallEntry, KernelArgs, KernelFn, STATUS_PANIC};
use crate::code::Code;
use crate::error::{Argument, JitError, JitErrorKind};
use crate::generator::Generator;
use crate::single::begins_lanes;
use crate::symbols::CallTable;
use crate::target::Target;

/// What a backend makes of a kernel.
#[derive(Debug)]
pub(crate) struct Emitted {
    /// Memory whose first byte is the entry of a [`KernelFn`].
    pub(crate) code: Code,
    /// Bytes of machine code and constants in it.
    pub(crate) bytes: usize,
}

/// A kernel compiled to machine code.
///
/// `Send` and `Sync`: any number of threads may run one kernel at once, each on a block of its own. The code is freed when this
/// is dropped. The bits it computes are those of [`Interpreter`](numloom_ir::interp::Interpreter).
#[derive(Debug)]
pub struct NativeKernel {
    kernel: Arc<Kernel>,
    /// Where `code` starts.
    entry: KernelFn,
    /// Kept for `entry`.
    _code: Code,
    bytes: usize,
    calls: CallTable,
    generator: Generator,
    isa: Isa,
    /// Which inputs some step reads.
    used_inputs: Vec<bool>,
}

const _: () = {
    const fn shared<T: Send + Sync>() {}
    shared::<NativeKernel>();
};

impl NativeKernel {
    /// Compiles `kernel` with the first of [`Generator::ALL`] that can.
    ///
    /// # Errors
    /// Those of the last one: what [`JitErrorKind`] lists, but for [`Argument`](JitErrorKind::Argument). Never panics: a panic of the code generator is
    /// [`Internal`](JitErrorKind::Internal).
    pub fn compile(kernel: Arc<Kernel>, target: &Target) -> Result<NativeKernel, JitError> {
        verify_kernel(&kernel)?;
        let [best, portable] = Generator::ALL;
        match best.emit(&kernel, target) {
            Ok(emitted) => Ok(NativeKernel::new(kernel, target, best, emitted)),
            Err(error) if error.is_refusal() => {
                let emitted = portable.emit(&kernel, target)?;
                Ok(NativeKernel::new(kernel, target, portable, emitted))
            }
            Err(error) => Err(error),
        }
    }

    /// Compiles `kernel` with one code generator and no other.
    ///
    /// # Errors
    /// As [`compile`](NativeKernel::compile).
    pub fn compile_with(
        generator: Generator,
        kernel: Arc<Kernel>,
        target: &Target,
    ) -> Result<NativeKernel, JitError> {
        verify_kernel(&kernel)?;
        let emitted = generator.emit(&kernel, target)?;
        Ok(NativeKernel::new(kernel, target, generator, emitted))
    }

    fn new(
        kernel: Arc<Kernel>,
        target: &Target,
        generator: Generator,
        Emitted { code, bytes }: Emitted,
    ) -> NativeKernel {
        // SAFETY: the backend put a function of this type at the start of `code`, which is sealed, and which lives as long as `entry`.
        let entry = unsafe { transmute::<*const u8, KernelFn>(code.as_ptr()) };
        NativeKernel {
            calls: CallTable::new(&kernel, target.isa()),
            used_inputs: used_inputs(&kernel),
            entry,
            _code: code,
            bytes,
            generator,
            isa: target.isa(),
            kernel,
        }
    }

    /// What was compiled.
    pub fn kernel(&self) -> &Arc<Kernel> {
        &self.kernel
    }

    /// What compiled it.
    pub fn generator(&self) -> Generator {
        self.generator
    }

    /// The instruction set that it, and the functions it calls, are for.
    pub fn isa(&self) -> Isa {
        self.isa
    }

    /// Bytes of machine code, constants included.
    pub fn code_bytes(&self) -> usize {
        self.bytes
    }

    /// Whether [`KernelArgs::way`] may be any [`Way`](crate::abi::Way): the kernel is in [`Form::Streams`], of one short loop.
    pub fn begins_lanes(&self) -> bool {
        begins_lanes(&self.kernel)
    }

    /// The call table, which [`call`](NativeKernel::call) puts into its arguments.
    pub fn calls(&self) -> *const CallEntry {
        self.calls.as_ptr()
    }

    /// Runs over one block, without any check, and answers with [status bits](crate::abi::KernelFn).
    ///
    /// Allocates nothing (block functions do not either); costs a few nanoseconds over the work. `args.calls` is filled in.
    ///
    /// # Safety
    /// With `kernel` for [`self.kernel()`](NativeKernel::kernel) and `n` for `args.n`:
    /// 1. `n` is at most [`Kernel::max_block`], or `kernel` has no slots. `rows` is at least 1. If it is more, `args.input_row_strides` and
    ///    `args.output_row_strides` point to a stride for each input and output; what follows holds for each row, where the pointers are
    ///    as many strides further on.
    /// 2. `args.inputs` points to a pointer for each input of `kernel`. Each of these that a step reads is valid for reads of `n` elements
    ///    of the input's dtype, or of one element if its class is [`Scalar`](InputClass::Scalar); nothing writes there meanwhile. Any
    ///    alignment will do.
    /// 3. `args.outputs` points to a pointer for each output, each valid for reads and writes of `n` elements of its dtype, of
    ///    any alignment.
    /// 4. `args.accumulators` is aligned and valid for reads and writes of [`Kernel::accumulator_words`] words, of `rows` and
    ///    `args.columns`. In columns `n` is at most `columns`. `args.way` is [`Way::Add`](crate::abi::Way::Add), unless the kernel
    ///    [begins lanes](NativeKernel::begins_lanes).
    /// 5. `args.scratch` is valid for reads and writes of [`Kernel::scratch_bytes`] bytes, of which the first `n` elements of each slot are
    ///    initialised.
    /// 6. `args.fault` is aligned and valid for reads and writes.
    /// 7. What 3 to 6 name does not overlap, neither each other nor what 2 names, and nothing else reads or writes it meanwhile; if `args.around` is not 0, until this
    ///    thread has called [`order_stores`](NativeKernel::order_stores).
    pub unsafe fn call(&self, args: &mut KernelArgs) -> u32 {
        args.calls = self.calls.as_ptr();
        // SAFETY: (1) to (7) are what compiled code relies on, together with the rules of `verify_kernel`, which this kernel passed, and
        // the call table, which is of this kernel. `entry` lies in `_code`, which lives.
        unsafe { (self.entry)(ptr::from_ref(args)) }
    }

    /// Orders all that calls with [`around`](KernelArgs::around) have stored on this thread before what the thread stores next.
    ///
    /// It waits until the stores have left the processor, so it is for the end of many calls and not of each.
    pub fn order_stores() {
        // SAFETY: an instruction of SSE, which every x86-64 processor has; it only waits.
        #[cfg(target_arch = "x86_64")]
        unsafe {
            std::arch::x86_64::_mm_sfence();
        }
    }

    /// Runs over one block, with every check: the twin of [`Interpreter::run`](numloom_ir::interp::Interpreter::run).
    ///
    /// Unlike there, a block may be of any length if the kernel has no scratch slots. Allocates scratch and pointer tables on each
    /// call; who minds uses [`call`](NativeKernel::call). Whether there was a fault is seen in `block.fault`.
    ///
    /// # Errors
    /// [`Argument`](JitErrorKind::Argument) if a part of the block has not the length that [`Block`] says;
    /// [`Internal`](JitErrorKind::Internal) if a block function panicked.
    ///
    /// ```
    /// use std::sync::Arc;
    ///
    /// use numloom_data::DType;
    /// use numloom_ir::interp::{Block, Rows};
    /// use numloom_ir::{Fault, Form, InputClass, Kernel, KernelInput, LoopInst, LoopOp, Op, Place, Step, V};
    /// use numloom_jit::{NativeKernel, Target};
    ///
    /// let inst = |op| LoopInst { op, dtype: DType::I16 };
    /// let kernel = NativeKernel::compile(
    ///     Arc::new(Kernel {
    ///         inputs: vec![KernelInput { dtype: DType::I16, class: InputClass::Contiguous }],
    ///         outputs: vec![DType::I16],
    ///         accumulators: vec![],
    ///         form: Form::default(),
    ///         slots: vec![],
    ///         steps: vec![Step::Loop(vec![
    ///             inst(LoopOp::Load(Place::Input(0))),
    ///             inst(LoopOp::Apply { op: Op::Mul, args: vec![V(0), V(0)] }),
    ///             inst(LoopOp::Store { place: Place::Output(0), value: V(1) }),
    ///         ])],
    ///         results: vec![],
    ///     }),
    ///     &Target::host()?,
    /// )?;
    /// let x = [3i16, -4, 300].map(i16::to_ne_bytes);
    /// let mut squares = [[0; 2]; 3];
    /// kernel.run(Block {
    ///     n: 3,
    ///     index: 0,
    ///     rows: Rows::ONE,
    ///     inputs: &[x.as_flattened()],
    ///     outputs: &mut [squares.as_flattened_mut()],
    ///     accumulators: &mut [],
    ///     fault: &mut Fault::default(),
    /// })?;
    /// assert_eq!(squares.map(i16::from_ne_bytes), [9, 16, 24464]);
    /// # Ok::<(), numloom_jit::JitError>(())
    /// ```
    pub fn run(&self, block: Block<'_, '_>) -> Result<(), JitError> {
        self.check_block(&block)?;
        let inputs: Vec<*const u8> = block.inputs.iter().map(|input| input.as_ptr()).collect();
        let outputs: Vec<*mut u8> = (block.outputs.iter_mut())
            .map(|output| output.as_mut_ptr())
            .collect();
        let mut scratch = vec![0u8; self.kernel.scratch_bytes()];
        let mut args = KernelArgs {
            n: block.n,
            rows: block.rows.count,
            index: block.index,
            row_index_stride: block.rows.index_stride,
            inputs: inputs.as_ptr(),
            input_row_strides: block.rows.input_strides.as_ptr().cast(),
            outputs: outputs.as_ptr(),
            output_row_strides: block.rows.output_strides.as_ptr().cast(),
            accumulators: block.accumulators.as_mut_ptr(),
            columns: block.rows.columns,
            position: block.rows.position,
            row_position_stride: block.rows.position_stride,
            scratch: scratch.as_mut_ptr(),
            ..KernelArgs::one_row(block.fault)
        };
        // SAFETY: (1) to (4) `check_block` compared all lengths; strides are within a slice's length, so `isize` holds them; (5) `scratch` is as long; (6) from a reference;
        // (7) outputs, accumulators, scratch and fault come from exclusive references or were just made.
        let status = unsafe { self.call(&mut args) };
        if status & STATUS_PANIC != 0 {
            return Err(JitError::internal("a block function panicked"));
        }
        Ok(())
    }

    fn check_block(&self, block: &Block<'_, '_>) -> Result<(), JitError> {
        let expect = |argument, want: usize, got: usize| match want == got {
            true => Ok(()),
            false => Err(JitErrorKind::Argument {
                argument,
                want,
                got,
            }),
        };
        let kernel = &*self.kernel;
        // No slice is longer than `isize::MAX` bytes: a size beyond that differs from every length.
        let (n, rows) = (block.n, block.rows);
        let last = rows.count.saturating_sub(1);
        let bytes = |n: usize, itemsize: usize, strides: &[usize], i: usize| {
            let start = match last {
                0 => 0,
                last => last.saturating_mul(strides[i]),
            };
            start.saturating_add(n.saturating_mul(itemsize))
        };
        expect(Argument::Rows, 1, rows.count.min(1))?;
        if !kernel.slots.is_empty() && n > kernel.max_block() {
            expect(Argument::BlockLength, kernel.max_block(), n)?;
        }
        expect(
            Argument::InputCount,
            kernel.inputs.len(),
            block.inputs.len(),
        )?;
        if rows.count > 1 {
            let (inputs, outputs) = (rows.input_strides.len(), rows.output_strides.len());
            expect(Argument::InputStrides, kernel.inputs.len(), inputs)?;
            expect(Argument::OutputStrides, kernel.outputs.len(), outputs)?;
        }
        for (i, (input, slice)) in kernel.inputs.iter().zip(block.inputs).enumerate() {
            let want = match input.class {
                _ if !self.used_inputs[i] => continue,
                InputClass::Contiguous => n,
                InputClass::Scalar => 1,
            };
            let want = bytes(want, input.dtype.itemsize(), rows.input_strides, i);
            expect(Argument::Input(i), want, slice.len())?;
        }
        expect(
            Argument::OutputCount,
            kernel.outputs.len(),
            block.outputs.len(),
        )?;
        for (i, (dtype, slice)) in kernel.outputs.iter().zip(&*block.outputs).enumerate() {
            let want = bytes(n, dtype.itemsize(), rows.output_strides, i);
            expect(Argument::Output(i), want, slice.len())?;
        }
        if kernel.form.is_columns() && !kernel.accumulators.is_empty() {
            expect(Argument::Columns, n.max(rows.columns), rows.columns)?;
            // Within the words there are, so that their sum does not overflow.
            let most = block.accumulators.len();
            expect(Argument::Columns, most.min(rows.columns), rows.columns)?;
        }
        let words = match kernel.accumulators.is_empty() {
            true => 0,
            // No more rows than words, so that their product does not overflow.
            false if kernel.form == Form::Rows => {
                let words = block.accumulators.len();
                kernel.accumulator_words(rows.count.min(words + 1), 0)
            }
            false => kernel.accumulator_words(rows.count, rows.columns),
        };
        expect(Argument::Accumulators, words, block.accumulators.len())?;
        Ok(())
    }
}

fn used_inputs(kernel: &Kernel) -> Vec<bool> {
    let mut used = vec![false; kernel.inputs.len()];
    let mut read = |place: Place| {
        if let Place::Input(i) = place {
            used[i as usize] = true;
        }
    };
    for step in &kernel.steps {
        match step {
            Step::Loop(body) => {
                for inst in body {
                    if let LoopOp::Load(place) = inst.op {
                        read(place);
                    }
                }
            }
            Step::Call(call) => call.places().for_each(&mut read),
            Step::Accumulate(step) => step.args.iter().copied().for_each(&mut read),
        }
    }
    used
}
