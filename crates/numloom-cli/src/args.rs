//! What may be typed.

use std::path::PathBuf;

use clap::{Args as ClapArgs, Parser, Subcommand, ValueEnum};
use numloom::{Backend, IsaError, Options};

/// Evaluate array expressions over files, in as few passes as can be, on all cores.
#[derive(Parser, Debug)]
#[command(name = "numloom", version, max_term_width = 110)]
pub(crate) struct Args {
    #[command(subcommand)]
    pub(crate) command: Command,
}

#[derive(Subcommand, Debug)]
pub(crate) enum Command {
    Eval(EvalArgs),
    Check(CheckArgs),
    Explain(ExplainArgs),
    Info(InfoArgs),
    Demo(DemoArgs),
}

/// Evaluate an expression over files
///
/// Inputs are named: `a=a.npy`, `x=recs.npy:x` for one field of records, `a=x.npz:a` for an array in an archive, `a=a.bin:f64[1000,1000]` for raw elements, `k=2.5` or `k=2.5:f32` for a number. Files are mapped, never read
/// whole. An output file is written under a partial name and gets its own when it is complete. Reduced values, and arrays without a file, are
/// printed.
///
/// A run that was stopped, by Ctrl-C, by a kill, by a full disk, is gone on with by the same command: a journal beside the output says what is done.
///
///   numloom eval "2*a + 3*b" a=a.npy b=b.npy -o c.npy
///   numloom eval "lo = min(a); hi = max(a); mean(a)" a=a.npy
///   numloom eval "(m - mean(m, axis=0)) / std(m, axis=0)" m=m.npy -o scaled.npy
///   numloom eval "a[1:] - a[:-1]" a=a.npy -o steps.npy
///   numloom eval "s = a + b; d = a - b" a=a.npy b=b.npy -o s=s.npy -o d=d.npy
///   numloom eval "mean(price*qty); std(price)" --csv sales.csv
///   zcat sales.csv.gz | numloom eval "total = price*qty*k" k=1.2 --csv - -o totals.csv
#[derive(ClapArgs, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct EvalArgs {
    /// The expression, or several parted by `;`; `@file` reads it from a file.
    #[arg(allow_hyphen_values = true)]
    pub(crate) expr: String,
    /// `name=file` or `name=number`.
    #[arg(value_name = "NAME=INPUT")]
    pub(crate) inputs: Vec<String>,
    /// Where an array goes: `file`, or `name=file` if there are several outputs.
    #[arg(short, long = "output", value_name = "[NAME=]FILE")]
    pub(crate) outputs: Vec<String>,
    /// A CSV file, plain or gzip, whose columns are inputs: only those that the expression uses are parsed. `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "text")]
    pub(crate) csv: Option<PathBuf>,
    /// A text file of numbers with white space between, as NumPy's `loadtxt` reads it; `-` is standard input.
    #[arg(long, value_name = "FILE", conflicts_with = "npz")]
    pub(crate) text: Option<PathBuf>,
    /// An `.npz` archive, compressed or not, whose arrays are inputs, their rows a chunk at a time: only those that the expression uses are read. `a=x.npz:a` maps an array that is stored uncompressed.
    #[arg(long, value_name = "FILE", conflicts_with = "csv")]
    pub(crate) npz: Option<PathBuf>,
    /// Write into the existing output files (mode r+) instead of replacing them. Inputs may be from the same files: an element is read before it is
    /// written.
    #[arg(long)]
    pub(crate) in_place: bool,
    /// The most bytes of files that are resident at a time, whatever their size: `256M`, `2G`, at least `16M`.
    #[arg(long, value_name = "SIZE", default_value = "256M", value_parser = size)]
    pub(crate) memory: u64,
    /// Discard what an earlier run has done, and start over.
    #[arg(long)]
    pub(crate) fresh: bool,
    /// In place, do not save what is overwritten: faster, but a run that is stopped leaves a file that is partly updated, and cannot be gone on with.
    #[arg(long, requires = "in_place")]
    pub(crate) no_undo: bool,
    /// In place, run over a file that an earlier run has left partly updated, as if it were what it should be.
    #[arg(long, requires = "in_place")]
    pub(crate) force: bool,
    /// When to draw a progress bar.
    #[arg(long, value_enum, default_value_t = When::Auto)]
    pub(crate) progress: When,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// `256M` in bytes: a whole number and, if any, one of K, M, G, T, powers of 1,024.
fn size(text: &str) -> Result<u64, String> {
    let digits = text.trim_end_matches(|c: char| !c.is_ascii_digit());
    let power = match text[digits.len()..]
        .to_ascii_uppercase()
        .trim_end_matches("IB")
        .trim_end_matches('B')
    {
        "" => 0,
        "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return Err("write a size as `256M` or `2G`".to_owned()),
    };
    let number: u64 = digits
        .parse()
        .map_err(|_| "write a size as `256M` or `2G`".to_owned())?;
    number
        .checked_mul(1 << (10 * power))
        .ok_or_else(|| "that is past 64 bits".to_owned())
}

/// Check an expression without running it; prints the dtypes of its outputs
#[derive(ClapArgs, Debug)]
pub(crate) struct CheckArgs {
    /// The expression.
    #[arg(allow_hyphen_values = true)]
    pub(crate) expr: String,
    /// `name:dtype` or `name:dtype[shape]`, as `x:f64[1000,1]`; `name=file` takes them from a file.
    #[arg(value_name = "NAME:DTYPE")]
    pub(crate) inputs: Vec<String>,
}

/// Show what becomes of an expression, stage by stage
///
/// The plan has each pass: what it computes, over which shape, what it reads and writes, and what runs it. Passes follow from shapes: give them, or
/// all arrays are taken to have the same one.
///
///   numloom explain "(x - mean(x)) / std(x)" x:f64[1000000]
///   numloom explain "sin(x)**2 + cos(y)**2" x:f64[1000,1] y:f64[1,1000]
///   numloom explain "sqrt(a) + b" a=a.npy b:f32 --stage clif
#[derive(ClapArgs, Debug)]
#[command(verbatim_doc_comment)]
pub(crate) struct ExplainArgs {
    /// The expression.
    #[arg(allow_hyphen_values = true, required_unless_present_any = ["functions", "code"])]
    pub(crate) expr: Option<String>,
    /// `name:dtype` or `name:dtype[shape]`, as `x:f64[1000,1]`; `name=file` takes them from a file.
    #[arg(value_name = "NAME:DTYPE")]
    pub(crate) inputs: Vec<String>,
    /// Which stage: ast, ir, opt, kernel, clif, asm or plan.
    #[arg(long, default_value = "plan")]
    pub(crate) stage: String,
    /// List all functions instead.
    #[arg(long, conflicts_with = "expr")]
    pub(crate) functions: bool,
    /// Explain an error code, such as `unknown-name`, instead.
    #[arg(long, value_name = "CODE", conflicts_with = "expr")]
    pub(crate) code: Option<String>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// Say what files hold, or what this machine has for numloom.
#[derive(ClapArgs, Debug)]
pub(crate) struct InfoArgs {
    /// The files; none for the machine.
    pub(crate) files: Vec<PathBuf>,
}

/// Write two mapped `.npy` arrays, evaluate an expression over them, and verify the result.
#[derive(ClapArgs, Debug)]
pub(crate) struct DemoArgs {
    /// Elements of each array.
    #[arg(long, default_value_t = 10_000_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) n: u32,
    /// Where the files go; they are kept. A folder of the system's temporary one by default.
    #[arg(long)]
    pub(crate) dir: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) engine: EngineArgs,
}

/// How the engine works.
#[derive(ClapArgs, Debug)]
#[command(next_help_heading = "Engine")]
pub(crate) struct EngineArgs {
    /// Threads; by default those that the process may use.
    #[arg(long)]
    pub(crate) threads: Option<usize>,
    /// What runs the kernel.
    #[arg(long, value_enum, default_value_t = BackendArg::Auto)]
    pub(crate) backend: BackendArg,
    /// Elements of a block.
    #[arg(long)]
    pub(crate) block: Option<usize>,
    /// The instruction set that the kernel is compiled for and functions run on: scalar, avx2, avx512 or neon; by default what NUMLOOM_ISA
    /// names, else the best of the machine.
    #[arg(long, value_name = "NAME")]
    pub(crate) isa: Option<String>,
    /// Run the program as it was written, without optimising it.
    #[arg(long)]
    pub(crate) no_optimize: bool,
}

impl EngineArgs {
    /// # Errors
    /// If this machine lacks the instruction set.
    pub(crate) fn options(&self) -> Result<Options, IsaError> {
        let mut options = Options::new()
            .backend(self.backend.into())
            .optimize(!self.no_optimize);
        options.threads = self.threads;
        options.block = self.block;
        options.isa = self.isa.as_deref().map(str::parse).transpose()?;
        Ok(options)
    }
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum When {
    Auto,
    Always,
    Never,
}

#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum BackendArg {
    Auto,
    Cranelift,
    Interpreter,
    Wide,
}

impl From<BackendArg> for Backend {
    fn from(arg: BackendArg) -> Backend {
        match arg {
            BackendArg::Auto => Backend::Auto,
            BackendArg::Cranelift => Backend::Cranelift,
            BackendArg::Wide => Backend::Wide,
            BackendArg::Interpreter => Backend::Interpreter,
        }
    }
}
