//! The function around the operations: steps, loops and their tails, accumulators, calls.
//!
//! ```text
//! fn(args) -> status
//!   for each row
//!     for each step
//!       loop: what is the same for all elements, once; constants
//!             vectors, `lanes * copies` elements an iteration    accumulators in registers
//!             tail, one element an iteration                     accumulators in memory
//!             (`rows`) lanes combined to a partial value
//!       call: fill in a frame, call through the table
//! ```
//!
//! The pointers of a row are found from those of the first and the row's number, so that nothing is kept from row to row but that
//! number; with a single loop, constants are made before the rows. In `streams` a single loop goes round the rows instead ([`columns`]).
//!
//! A loop with accumulators that is not in columns takes `LANES` elements an iteration, so that element `i` meets lane `i % LANES`: the body is emitted that
//! many times over, each copy with its own part of the lanes. With more accumulators than registers, or a long body, it is emitted
//! once, and finds its part of the lanes in memory, as the tail does. Without accumulators one copy, of interleaved
//! registers, is enough.

use std::mem::offset_of;

use cranelift_codegen::ir::condcodes::IntCC;
use cranelift_codegen::ir::{
    AbiParam, Function, Inst, InstBuilder, Signature, StackSlot, UserFuncName, Value, types,
};
use cranelift_frontend::{FunctionBuilder, FunctionBuilderContext};
use numloom_data::{DType, Scalar};
use numloom_ir::reduce::LANES;
use numloom_ir::{Form, InputClass, Kernel, LoopInst, LoopOp, Place, Step};

use super::MAX_INSTS;
use super::settings::Settings;
use super::value::{Emit, Pool, Val, flags, vector};
use crate::abi::KernelArgs;
use crate::error::{JitError, JitErrorKind};
use crate::single::{SHORT, single_loop};

mod calls;
mod columns;
mod lanes;

use lanes::{Lanes, Running, arguments, replace};

/// The signature of a kernel: one pointer in, a status out.
pub(super) fn signature(isa: &Settings) -> Signature {
    let mut signature = Signature::new(isa.get().default_call_conv());
    signature.params.push(AbiParam::new(types::I64));
    signature.returns.push(AbiParam::new(types::I32));
    signature
}

/// Builds the function of `kernel` in `func`.
pub(super) fn build(
    kernel: &Kernel,
    isa: &Settings,
    func: &mut Function,
    context: &mut FunctionBuilderContext,
) -> Result<(), JitError> {
    func.signature = signature(isa);
    func.name = UserFuncName::user(0, 0);
    let mut b = FunctionBuilder::new(func, context);
    let entry = b.create_block();
    b.append_block_params_for_function_params(entry);
    b.switch_to_block(entry);
    let args = b.block_params(entry)[0];
    let n = b
        .ins()
        .load(types::I64, flags(), args, offset(offset_of!(KernelArgs, n)));
    let first = b.ins().iconst(types::I64, 0);
    let emit = Emit {
        b,
        x86: isa.x86,
        foldable: isa.unaligned_operands,
        lanes: 1,
        uniform: false,
        pool: Pool::new(0),
    };
    let mut build = Build {
        kernel,
        emit,
        args,
        n,
        row: first,
        status: None,
        before_rows: None,
        strides: [None; 2],
        frame: None,
        calls: 0,
    };
    match single_loop(kernel) {
        Some(body) => build.all_columns(body)?,
        None => build.rows()?,
    }
    let status = build.status;
    let mut b = build.emit.b;
    let status = status.unwrap_or_else(|| b.ins().iconst(types::I32, 0));
    b.ins().return_(&[status]);
    b.seal_all_blocks();
    b.finalize(isa.get().frontend_config());
    Ok(())
}

/// The number of loops among its steps.
fn loops(kernel: &Kernel) -> usize {
    let loops = |step: &&Step| matches!(step, Step::Loop(_));
    kernel.steps.iter().filter(loops).count()
}

/// A field's offset as Cranelift wants it.
fn offset(bytes: usize) -> i32 {
    i32::try_from(bytes).expect("fields and scratch slots lie within 2 GiB")
}

/// A loop's shape.
#[derive(Clone, Copy)]
struct Shape {
    /// Elements that one copy of the body computes: a power of two.
    lanes: usize,
    /// Copies of the body in an iteration.
    copies: usize,
    /// Lanes of accumulators stay in memory.
    in_memory: bool,
    /// Registers that accumulators take all through the loop.
    held: usize,
    /// Elements in a register of the widest dtype.
    vector: usize,
}

impl Shape {
    /// Two registers of the narrowest dtype, but no more than four of the widest.
    fn of(body: &[LoopInst], kernel: &Kernel, x86: bool) -> Shape {
        let form = kernel.form;
        let (mut least, mut most) = (8, 1);
        let mut accumulators = 0;
        let mut accumulator_bytes = 0;
        for inst in body {
            let size = inst.dtype.itemsize();
            if let LoopOp::Accumulate { acc, .. } = inst.op {
                let words = kernel.accumulators[acc as usize].words();
                accumulators += words;
                accumulator_bytes += words * size * LANES;
            }
            // A `bool` that is neither loaded nor stored is as wide as what it came from.
            let in_memory = !matches!(inst.op, LoopOp::Apply { .. } | LoopOp::Const(_));
            if inst.dtype != DType::Bool || in_memory {
                least = least.min(size);
                most = most.max(size);
            }
        }
        let lanes = (32 / least).min(64 / most);
        if accumulators == 0 {
            return Shape {
                lanes,
                copies: 1,
                in_memory: false,
                held: 0,
                vector: 16 / most,
            };
        }
        if form.is_columns() {
            return Shape::columns(body.len(), lanes, most, accumulator_bytes / LANES, x86);
        }
        let lanes = lanes.min(LANES);
        let copies = LANES / lanes;
        // Registers that leave some for the work; and copies of a long body cost more to compile than loads and stores to run.
        let registers = (accumulator_bytes / 16).max(accumulators * copies);
        let few = registers <= if x86 { 8 } else { 20 };
        let in_memory = !few || body.len() * copies > 128;
        Shape {
            lanes,
            copies: if in_memory { 1 } else { copies },
            in_memory,
            held: if in_memory { 0 } else { registers },
            vector: 16 / most,
        }
    }

    /// Four registers of the widest dtype if the body is short, twice if it is very short, for the rows to go through quickly; but no more than
    /// accumulators leave, of which an element has `size` bytes.
    fn columns(body: usize, lanes: usize, widest: usize, size: usize, x86: bool) -> Shape {
        let most = if x86 { 8 } else { 20 };
        let registers = |lanes: usize| lanes * size / 16;
        let vector = 16 / widest;
        let mut lanes = if body <= SHORT { 4 * vector } else { lanes };
        while registers(lanes) > most && lanes > vector {
            lanes /= 2;
        }
        let copies = if body <= 3 && 2 * registers(lanes) <= most {
            2
        } else {
            1
        };
        Shape {
            lanes,
            copies,
            in_memory: false,
            held: copies * registers(lanes),
            vector,
        }
    }

    /// Elements of an iteration.
    fn elements(self) -> usize {
        self.lanes * self.copies
    }
}

/// What a loop knows before its first iteration.
struct Loop<'k> {
    body: &'k [LoopInst],
    /// The start of each place that is read or written element by element.
    bases: Vec<(Place, Value)>,
    /// The lanes of each word of the body's accumulators, or its columns.
    lanes: Vec<Running>,
    /// Values that are the same for all elements.
    uniform: Vec<Option<Val>>,
}

impl<'k> Loop<'k> {
    /// The same loop on places that start at `bases`, in another row.
    fn at(&self, bases: &[Value]) -> Loop<'k> {
        let bases = std::iter::zip(&self.bases, bases);
        Loop {
            body: self.body,
            bases: bases.map(|(&(place, _), &base)| (place, base)).collect(),
            lanes: self.lanes.clone(),
            uniform: self.uniform.clone(),
        }
    }

    fn base(&self, place: Place) -> Value {
        let (_, base) = self.bases[position(&self.bases, place)];
        base
    }

    /// A constant operand's scalar.
    fn scalar(&self, value: numloom_ir::V) -> Option<&Scalar> {
        match &self.body[value.index()].op {
            LoopOp::Const(scalar) => Some(scalar),
            _ => None,
        }
    }
}

fn position<K: PartialEq, T>(pairs: &[(K, T)], key: K) -> usize {
    let found = pairs.iter().position(|(k, _)| *k == key);
    found.expect("all that a body names was prepared")
}

/// Where the elements of an iteration lie.
struct Cursor {
    /// Index of the first element.
    index: Value,
    /// The same in bytes, for elements of 1, 2, 4 and 8, where computed.
    bytes: [Option<Value>; 4],
}

impl Cursor {
    fn new(index: Value) -> Cursor {
        Cursor {
            index,
            bytes: [Some(index), None, None, None],
        }
    }
}

struct Build<'k, 'f> {
    kernel: &'k Kernel,
    emit: Emit<'f>,
    args: Value,
    n: Value,
    /// The number of the row.
    row: Value,
    /// What calls came to, if there are any.
    status: Option<Value>,
    /// The end of the block before all rows, if constants belong there.
    before_rows: Option<Inst>,
    /// This row's, once there are any: row strides of inputs and of outputs.
    strides: [Option<Value>; 2],
    /// The frame for calls, once there is one.
    frame: Option<StackSlot>,
    /// Calls so far.
    calls: usize,
}

impl<'k> Build<'k, '_> {
    /// All steps over one row after the other.
    fn rows(&mut self) -> Result<(), JitError> {
        let b = &mut self.emit.b;
        let none = b.ins().iconst(types::I32, 0);
        let row_loop = b.create_block();
        let row = b.append_block_param(row_loop, types::I64);
        self.status = Some(b.append_block_param(row_loop, types::I32));
        let before_rows = b.ins().jump(row_loop, &[self.row.into(), none.into()]);
        b.switch_to_block(row_loop);
        self.row = row;
        self.before_rows = (loops(self.kernel) == 1).then_some(before_rows);
        for step in &self.kernel.steps {
            match step {
                Step::Loop(body) if self.kernel.form.is_columns() => {
                    self.step_columns(body)?;
                }
                Step::Loop(body) => self.step_loop(body)?,
                Step::Call(call) => self.step_call(call)?,
                Step::Accumulate(step) => self.step_accumulate(step)?,
            }
        }
        let next = self.plus(row, 1);
        let rows = self.argument(offset_of!(KernelArgs, rows));
        let more = self.less(next, rows);
        let status = self.status.expect("a parameter of the rows");
        let b = &mut self.emit.b;
        let done = b.create_block();
        let again = [next.into(), status.into()];
        b.ins().brif(more, row_loop, &again, done, &[]);
        b.switch_to_block(done);
        Ok(())
    }

    fn argument(&mut self, field: usize) -> Value {
        let at = offset(field);
        self.emit.b.ins().load(types::I64, flags(), self.args, at)
    }

    /// The start of `place`.
    fn place(&mut self, place: Place) -> Value {
        let (which, i) = match place {
            Place::Input(i) => (0, i),
            Place::Output(i) => (1, i),
            Place::Slot(i) => {
                let at = self.kernel.slot_offset(i as usize);
                return self.scratch(at);
            }
        };
        let pointers = [
            offset_of!(KernelArgs, inputs),
            offset_of!(KernelArgs, outputs),
        ];
        let pointers = self.argument(pointers[which]);
        let strides = self.strides(which, pointers);
        let at = offset(8 * i as usize);
        let b = &mut self.emit.b;
        let start = b.ins().load(types::I64, flags(), pointers, at);
        let stride = b.ins().load(types::I64, flags(), strides, at);
        let bytes = b.ins().imul(stride, self.row);
        b.ins().iadd(start, bytes)
    }

    /// The table of row strides of inputs or of outputs. There may be none if there is one row; then any readable table of that length
    /// will do, as the row's number, with which strides are multiplied, is 0.
    fn strides(&mut self, which: usize, any: Value) -> Value {
        if let Some(strides) = self.strides[which] {
            return strides;
        }
        let fields = [
            offset_of!(KernelArgs, input_row_strides),
            offset_of!(KernelArgs, output_row_strides),
        ];
        let strides = self.argument(fields[which]);
        let b = &mut self.emit.b;
        let strides = b.ins().select(self.row, strides, any);
        *self.strides[which].insert(strides)
    }

    /// An address in the scratch area.
    fn scratch(&mut self, at: usize) -> Value {
        let scratch = self.argument(offset_of!(KernelArgs, scratch));
        self.plus(scratch, at as i64)
    }

    /// Where the lanes of an accumulator are, or the columns of one of its words.
    fn accumulator(&mut self, acc: u32, word: usize) -> Value {
        let acc = acc as usize;
        if self.kernel.form == Form::Rows {
            let at = self.kernel.lanes_offset() + 8 * self.kernel.lane_offset(acc);
            return self.scratch(at);
        }
        let start = self.argument(offset_of!(KernelArgs, accumulators));
        if self.kernel.form == Form::Lanes {
            return self.plus(start, 8 * self.kernel.accumulator_offset(acc, 0) as i64);
        }
        self.columns_of(start, acc, word)
    }

    /// The running values of a word of an accumulator in `columns`, in the memory from `start`.
    fn columns_of(&mut self, start: Value, acc: usize, word: usize) -> Value {
        // Offsets are linear in the number of columns.
        let before = 8 * (self.kernel.accumulator_offset(acc, 1) + word) as i64;
        let columns = self.argument(offset_of!(KernelArgs, columns));
        let b = &mut self.emit.b;
        let before = b.ins().iconst(types::I64, before);
        let bytes = b.ins().imul(before, columns);
        b.ins().iadd(start, bytes)
    }

    fn plus(&mut self, x: Value, bytes: i64) -> Value {
        if bytes == 0 {
            return x;
        }
        let bytes = self.emit.b.ins().iconst(types::I64, bytes);
        self.emit.b.ins().iadd(x, bytes)
    }

    /// `base + index * size`: an address that loads and stores take in whole on x86-64.
    fn address(&mut self, base: Value, cursor: &mut Cursor, size: usize) -> Value {
        let log = size.trailing_zeros();
        let ins = &mut self.emit.b;
        let bytes = *cursor.bytes[log as usize].get_or_insert_with(|| {
            let log = ins.ins().iconst(types::I64, i64::from(log));
            ins.ins().ishl(cursor.index, log)
        });
        ins.ins().iadd(base, bytes)
    }

    fn check_size(&self) -> Result<(), JitError> {
        let insts = self.emit.b.func.dfg.num_insts();
        match insts > MAX_INSTS {
            true => Err(JitErrorKind::CodeTooLarge {
                insts,
                limit: MAX_INSTS,
            }
            .into()),
            false => Ok(()),
        }
    }

    fn step_loop(&mut self, body: &'k [LoopInst]) -> Result<(), JitError> {
        let shape = Shape::of(body, self.kernel, self.emit.x86);
        let mut l = self.prepare(body, shape);
        self.uniform(&mut l)?;
        // Elements for whole iterations, and what is left.
        let elements = shape.elements() as i64;
        let mask = self.emit.b.ins().iconst(types::I64, -elements);
        let whole = self.emit.b.ins().band(self.n, mask);
        let in_registers = if shape.in_memory { 0 } else { shape.copies };
        let rows = self.kernel.form == Form::Rows && !l.lanes.is_empty();
        let lanes: Vec<Lanes> = (0..in_registers)
            .map(|copy| match self.kernel.form {
                Form::Rows => self.identities(&l, shape.lanes),
                _ => self.load_lanes(&l, shape, copy),
            })
            .collect();
        if rows && shape.in_memory {
            let identities = self.identities(&l, shape.lanes);
            for copy in 0..LANES / shape.lanes {
                self.store_lanes(&l, shape, copy, &identities);
            }
        }
        let lane_types = self.lane_types(&lanes);

        let b = &mut self.emit.b;
        let [vectors, after, tail, done] = [(); 4].map(|()| b.create_block());
        let zero = b.ins().iconst(types::I64, 0);
        let start = arguments(Some(zero), &lanes);
        let skip = arguments(None, &lanes);
        let end = b.ins().brif(whole, vectors, &start, after, &skip);
        self.emit.pool.complete(self.before_rows.unwrap_or(end));

        let b = &mut self.emit.b;
        b.append_block_param(vectors, types::I64);
        for &ty in &lane_types {
            b.append_block_param(vectors, ty);
            b.append_block_param(after, ty);
        }
        b.switch_to_block(vectors);
        let index = b.block_params(vectors)[0];
        let mut lanes = replace(&lanes, &b.block_params(vectors)[1..]);
        let mut cursor = Cursor::new(index);
        self.emit.lanes = shape.lanes;
        if shape.in_memory {
            self.on_lanes_in_memory(&l, &mut cursor)?;
        } else {
            for (copy, lanes) in lanes.iter_mut().enumerate() {
                self.body(&l, &mut cursor, copy * shape.lanes, lanes)?;
            }
        }
        let next = self.plus(index, elements);
        let more = self.less(next, whole);
        let again = arguments(Some(next), &lanes);
        let leave = arguments(None, &lanes);
        let b = &mut self.emit.b;
        b.ins().brif(more, vectors, &again, after, &leave);

        b.switch_to_block(after);
        let mut lanes = replace(&lanes, b.block_params(after));
        let more = self.less(whole, self.n);
        let combine = (rows && !shape.in_memory).then(|| {
            // What has no tail stays in registers.
            let b = &mut self.emit.b;
            let [spill, combine] = [(); 2].map(|()| b.create_block());
            for &ty in &lane_types {
                b.append_block_param(combine, ty);
            }
            b.ins()
                .brif(more, spill, &[], combine, &arguments(None, &lanes));
            b.switch_to_block(spill);
            combine
        });
        for (copy, lanes) in lanes.iter().enumerate() {
            self.store_lanes(&l, shape, copy, lanes);
        }
        let b = &mut self.emit.b;
        match combine {
            Some(_) => b.ins().jump(tail, &[whole.into()]),
            None => b.ins().brif(more, tail, &[whole.into()], done, &[]),
        };

        b.append_block_param(tail, types::I64);
        b.switch_to_block(tail);
        let index = b.block_params(tail)[0];
        self.emit.lanes = 1;
        self.on_lanes_in_memory(&l, &mut Cursor::new(index))?;
        let next = self.plus(index, 1);
        let more = self.less(next, self.n);
        let b = &mut self.emit.b;
        b.ins().brif(more, tail, &[next.into()], done, &[]);
        b.switch_to_block(done);
        if let Some(combine) = combine {
            for (copy, lanes) in lanes.iter_mut().enumerate() {
                *lanes = self.load_lanes(&l, shape, copy);
            }
            let b = &mut self.emit.b;
            b.ins().jump(combine, &arguments(None, &lanes));
            b.switch_to_block(combine);
            lanes = replace(&lanes, b.block_params(combine));
            self.combine(&l, &lanes)?;
        } else if rows {
            for words in l.lanes.chunk_by(|a, b| a.acc == b.acc) {
                let one = Loop {
                    lanes: words.to_vec(),
                    uniform: Vec::new(),
                    bases: Vec::new(),
                    body,
                };
                let lanes = (0..LANES / shape.lanes).map(|copy| self.load_lanes(&one, shape, copy));
                let lanes: Vec<Lanes> = lanes.collect();
                self.combine(&one, &lanes)?;
            }
        }
        Ok(())
    }

    fn less(&mut self, x: Value, y: Value) -> Value {
        self.emit.b.ins().icmp(IntCC::UnsignedLessThan, x, y)
    }

    /// What comes before the loop: addresses.
    fn prepare(&mut self, body: &'k [LoopInst], shape: Shape) -> Loop<'k> {
        let mut l = Loop {
            body,
            bases: Vec::new(),
            lanes: Vec::new(),
            uniform: vec![None; body.len()],
        };
        for inst in body {
            if let LoopOp::Accumulate { acc, .. } = inst.op {
                let running = self.running(acc);
                l.lanes.extend(running);
            }
        }
        // Registers for constants: about ten of x86-64's sixteen, less what accumulators take.
        let registers: usize = if self.emit.x86 { 10 } else { 20 };
        self.emit.pool = Pool::new(registers.saturating_sub(shape.held).max(2));
        if let Some(before_rows) = self.before_rows {
            self.emit.pool.complete(before_rows);
        }
        for inst in body {
            if let LoopOp::Load(place) | LoopOp::Store { place, .. } = inst.op
                && !l.bases.iter().any(|&(known, _)| known == place)
            {
                let start = self.place(place);
                l.bases.push((place, start));
            }
        }
        l
    }

    /// Computes what is the same for all elements of a row.
    fn uniform(&mut self, l: &mut Loop<'k>) -> Result<(), JitError> {
        self.emit.lanes = 1;
        self.emit.uniform = true;
        for (i, inst) in l.body.iter().enumerate() {
            match &inst.op {
                LoopOp::Load(place) if self.is_scalar(*place) => {
                    let start = l.base(*place);
                    l.uniform[i] = Some(self.emit.load_uniform(inst.dtype, start));
                }
                LoopOp::Apply { args, .. } => {
                    // Constants alone were folded; what is left of such operations stays in the loop, with its constants.
                    let known = |v: &numloom_ir::V| {
                        l.uniform[v.index()].is_some() || l.scalar(*v).is_some()
                    };
                    let some = args.iter().any(|v| l.uniform[v.index()].is_some());
                    if some && args.iter().all(known) {
                        l.uniform[i] = Some(self.apply(l, inst, &l.uniform)?);
                    }
                }
                _ => {}
            }
        }
        self.emit.uniform = false;
        self.check_size()
    }

    fn is_scalar(&self, place: Place) -> bool {
        match place {
            Place::Input(i) => self.kernel.inputs[i as usize].class == InputClass::Scalar,
            _ => false,
        }
    }

    /// One copy of the body, for elements from `cursor + first`.
    fn body(
        &mut self,
        l: &Loop<'_>,
        cursor: &mut Cursor,
        first: usize,
        lanes: &mut [Val],
    ) -> Result<(), JitError> {
        let mut values = l.uniform.clone();
        for (i, inst) in l.body.iter().enumerate() {
            if values[i].is_some() {
                continue;
            }
            let size = inst.dtype.itemsize();
            let at = (first * size) as i32;
            match &inst.op {
                LoopOp::Load(place) => {
                    let address = self.address(l.base(*place), cursor, size);
                    values[i] = Some(self.emit.load(inst.dtype, address, at));
                }
                // Made where it is used: an operation may take it otherwise than as a vector.
                LoopOp::Const(_) => {}
                LoopOp::Apply { .. } => values[i] = Some(self.apply(l, inst, &values)?),
                LoopOp::Store { place, value } => {
                    let value = self.operand(l, *value, &values);
                    let address = self.address(l.base(*place), cursor, size);
                    self.emit.store(inst.dtype, value, address, at);
                }
                LoopOp::Accumulate { acc, value } => {
                    let value = self.operand(l, *value, &values);
                    let k = l.lanes.iter().position(|running| running.acc == *acc);
                    let k = k.expect("all that a body names was prepared");
                    let acc = self.kernel.accumulators[*acc as usize];
                    let running = &mut lanes[k..k + acc.words()];
                    let taken = self.emit.take_in(acc, running, value)?;
                    running.copy_from_slice(&taken);
                }
            }
            self.check_size()?;
        }
        Ok(())
    }

    /// A value, or the constant that it is.
    fn operand(&mut self, l: &Loop<'_>, value: numloom_ir::V, values: &[Option<Val>]) -> Val {
        if let Some(known) = values[value.index()] {
            return known;
        }
        let scalar = l.scalar(value).expect("a value is defined before its use");
        match scalar {
            Scalar::Bool(truth) => {
                let bits = if *truth { u64::MAX } else { 0 };
                Val::Mask(1, self.emit.constant_regs(types::I8X16, bits))
            }
            number => {
                let ty = vector(number.dtype());
                Val::Number(self.emit.constant_regs(ty, number.bits() as u64))
            }
        }
    }

    fn apply(
        &mut self,
        l: &Loop<'_>,
        inst: &LoopInst,
        values: &[Option<Val>],
    ) -> Result<Val, JitError> {
        let LoopOp::Apply { op, args } = &inst.op else {
            unreachable!("only an operation is applied");
        };
        let last = *args.last().expect("an operation has operands");
        let from = l.body[last.index()].dtype;
        let mut operands = [None; 3];
        for (operand, arg) in operands.iter_mut().zip(args) {
            *operand = Some(self.operand(l, *arg, values));
        }
        let operands: Vec<Val> = operands.into_iter().flatten().collect();
        self.emit
            .apply(*op, from, inst.dtype, &operands, l.scalar(last))
    }
}
