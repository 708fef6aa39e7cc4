//! Errors and progress, for a person at a terminal.

use std::fmt;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};
use numloom::{Options, Paint, Style};

use crate::args::When;

/// Why a command failed.
pub(crate) enum Failure {
    /// The library refused.
    Library(numloom::Error),
    /// The arguments do not go together.
    Usage { message: String, help: String },
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>, help: impl Into<String>) -> Failure {
        Failure::Usage {
            message: message.into(),
            help: help.into(),
        }
    }
}

impl<E: Into<numloom::Error>> From<E> for Failure {
    fn from(error: E) -> Failure {
        Failure::Library(error.into())
    }
}

/// Prints a line on standard output, formatted as by `format!`.
macro_rules! say {
    ($($text:tt)*) => { $crate::report::say_line(format_args!($($text)*)) };
}
pub(crate) use say;

/// A reader that has seen enough and closed the pipe ends the command quietly.
pub(crate) fn say_line(line: fmt::Arguments<'_>) {
    if let Err(error) = writeln!(std::io::stdout().lock(), "{line}") {
        if error.kind() != std::io::ErrorKind::BrokenPipe {
            eprintln!("error: cannot write to standard output: {error}");
        }
        std::process::exit(i32::from(error.kind() != std::io::ErrorKind::BrokenPipe));
    }
}

/// Draws a failure on standard error, in colour on a terminal.
pub(crate) fn failure(failure: &Failure) {
    match failure {
        Failure::Library(error) => {
            let style = if std::io::stderr().is_terminal() {
                colours()
            } else {
                Style::default()
            };
            eprintln!("{}", error.render(None, &style));
        }
        Failure::Usage { message, help } => eprintln!("error: {message}\n   = help: {help}"),
    }
}

/// ANSI colours, as compilers use them.
fn colours() -> Style {
    let paint = |code: &str| Paint::new(format!("\x1b[{code}m"), "\x1b[0m");
    let mut style = Style::default();
    style.error = paint("1;31");
    style.warning = paint("1;33");
    style.message = paint("1");
    style.frame = paint("34");
    style.primary = paint("1;31");
    style.secondary = paint("1;34");
    style.remark = paint("36");
    style
}

/// A bar that shows elements, throughput in bytes and the time left; nothing if it is not wanted.
pub(crate) struct Progress(Option<ProgressBar>);

/// Work of fewer bytes is over before a bar can be read.
const WORTH_A_BAR: u64 = 64 << 20;

impl Progress {
    pub(crate) fn new(when: When, total_bytes: u64) -> Progress {
        let wanted = match when {
            When::Always => true,
            When::Never => false,
            When::Auto => total_bytes >= WORTH_A_BAR && std::io::stderr().is_terminal(),
        };
        Progress(wanted.then(|| {
            let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr_with_hz(10));
            let template =
                "{bar:32} {percent:>3}%  {binary_bytes:>10}  {binary_bytes_per_sec}  {eta} left";
            bar.set_style(
                ProgressStyle::with_template(template).expect("the template is well formed"),
            );
            bar.set_length(total_bytes);
            bar
        }))
    }

    /// The options with this bar as their progress callback.
    pub(crate) fn options(&self, options: Options) -> Options {
        let Some(bar) = self.0.clone() else {
            return options;
        };
        let total_bytes = bar.length().unwrap_or(0);
        options.progress(move |progress| {
            let part = u128::from(progress.done) * u128::from(total_bytes)
                / u128::from(progress.total.max(1));
            bar.set_position(part as u64);
        })
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// Bytes, time and what they amount to: `320 MiB in 31 ms, 10.8 GB/s`.
pub(crate) struct Throughput {
    pub(crate) bytes: u64,
    pub(crate) time: Duration,
}

impl fmt::Display for Throughput {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.time.as_secs_f64().max(1e-9);
        let rate = self.bytes as f64 / seconds / 1e9;
        write!(
            f,
            "{} in {:.1} ms, {rate:.1} GB/s",
            HumanBytes(self.bytes),
            seconds * 1e3
        )
    }
}
