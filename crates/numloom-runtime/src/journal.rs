//! What a run over files has done so far, on the disk: so that it can go on after it was killed.
//!
//! What goes in: a description of the run, and [`Record`]s as its windows end. What comes out: after a kill at any moment, the last record that is whole, and
//! the bytes that were to be overwritten then. What it never does: say of a window that it is done before its bytes are on the disk.
//!
//! A journal is a file of its own beside the output: a line that says what it is, the [`RunKey`] as text, then records, each with its length before it and a checksum
//! behind. It only grows; a torn record at its end is as good as none. Old bytes of a window that is about to be overwritten, where it is read as well, lie in a second
//! file: they are there, synced, before the record that says so, and that is there before the first of them is overwritten.

use std::fmt::Write as _;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::{Path, PathBuf};

use numloom_data::{Array, DType, DataError, DataErrorKind, Order, Scalar, sync_directory};

use crate::error::{RuntimeError, RuntimeErrorKind};
use crate::window::{Extent, Mapped};

mod bytes;

use bytes::Bytes;
pub(crate) use bytes::checksum;

const MAGIC: &[u8] = b"numloom journal 1\n";

/// No header or record is longer: a length past it is torn.
const MAX_RECORD_BYTES: usize = 1 << 31;

/// Bytes that are copied at a time.
const COPY_BYTES: usize = 1 << 20;

/// What a run is, as far as it decides its result: a journal is of exactly one.
///
/// Made by [`Compiled::run_key`](crate::Compiled::run_key).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunKey(pub(crate) String);

impl RunKey {
    /// What of it `other` has otherwise, in the words of an error.
    fn difference(&self, other: &str) -> Option<String> {
        let (ours, theirs) = (self.0.lines(), other.lines());
        let mut pairs = ours.zip(theirs.chain(std::iter::repeat("")));
        let line = pairs.find(|(a, b)| a != b).map(|(line, _)| line);
        let line = line.or((self.0 != other).then_some("expression"))?;
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let name = rest.split(": ").next().unwrap_or("");
        Some(match what {
            "input" => format!("input `{name}` has changed since"),
            "output" => format!("output `{name}` goes elsewhere"),
            "version" => "it was left by another version".to_owned(),
            _ => "it was left by another expression".to_owned(),
        })
    }
}

/// What is written down as a run goes on.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Record {
    /// In `step`, all before `position` is done, and its reductions have come to these nodes of the tree.
    Window {
        step: usize,
        position: usize,
        nodes: Vec<(u32, Vec<u64>)>,
    },
    /// All before `step` is done, and came to this.
    Step { step: usize, state: State },
    /// A file is overwritten where it is, and its old bytes are not saved.
    Unguarded,
    /// The second file, if it bears this number, has the bytes that windows of `step` from `position` on overwrite.
    Undo {
        number: u64,
        step: usize,
        position: usize,
        extents: Vec<Extent>,
    },
}

/// What earlier steps came to.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct State {
    pub(crate) scalars: Vec<Scalar>,
    /// Kept arrays, as far as they are there.
    pub(crate) kept: Vec<Option<KeptBytes>>,
}

/// A kept array: what it takes to make it again.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct KeptBytes {
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    pub(crate) bytes: Vec<u8>,
}

impl KeptBytes {
    pub(crate) fn of(array: &Array) -> KeptBytes {
        KeptBytes {
            dtype: array.dtype(),
            shape: array.shape().to_vec(),
            bytes: array.as_bytes().to_vec(),
        }
    }

    /// # Errors
    /// [`OutOfMemory`](RuntimeErrorKind::OutOfMemory).
    pub(crate) fn array(&self) -> Result<Array, RuntimeError> {
        let mut array = Array::zeros(self.dtype, &self.shape, Order::C)?;
        let bytes = array.as_bytes_mut();
        if bytes.len() == self.bytes.len() {
            bytes.copy_from_slice(&self.bytes);
        }
        Ok(array)
    }
}

/// Where a run goes on.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Resume {
    pub(crate) step: usize,
    pub(crate) position: usize,
    pub(crate) nodes: Vec<(u32, Vec<u64>)>,
    pub(crate) state: Option<State>,
}

/// The journal of a run: what of it is done, beside its output, so that another run goes on from there.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    key: RunKey,
    /// None until there is something to write down.
    file: Option<File>,
    resume: Resume,
    /// Bytes to be put back before the run goes on, and the number of the second file that has them.
    undo: Option<(u64, Vec<Extent>)>,
    undo_number: u64,
    /// A file is overwritten where it is without undo.
    unguarded: bool,
}

impl Journal {
    /// The name of the journal of a run whose first file is `output`: that name, with `.journal` added.
    #[must_use]
    pub fn path_for(output: impl AsRef<Path>) -> PathBuf {
        with_suffix(output.as_ref(), ".journal")
    }

    /// A journal of which nothing is on the disk before there is something to write down. One of that name is discarded.
    ///
    /// # Errors
    /// If an earlier one cannot be removed.
    pub fn create(path: impl AsRef<Path>, key: RunKey) -> Result<Journal, RuntimeError> {
        let journal = Journal {
            path: path.as_ref().to_owned(),
            key,
            file: None,
            resume: Resume::default(),
            undo: None,
            undo_number: 0,
            unguarded: false,
        };
        journal.erase()?;
        Ok(journal)
    }

    /// The journal that an earlier run left, if there is one from which this run can go on.
    ///
    /// # Errors
    /// [`JournalMismatch`](RuntimeErrorKind::JournalMismatch) if it is of another run, or of the same over inputs that have changed since; what the
    /// system says.
    pub fn load(path: impl AsRef<Path>, key: RunKey) -> Result<Option<Journal>, RuntimeError> {
        let path = path.as_ref();
        let Some(journal) = Journal::read(path)? else {
            return Ok(None);
        };
        match key.difference(&journal.key.0) {
            None => Ok(Some(journal)),
            Some(difference) => {
                let path = path.to_owned();
                Err(RuntimeErrorKind::JournalMismatch { path, difference }.into())
            }
        }
    }

    /// The journal of whatever run; none if there is none with a record.
    fn read(path: &Path) -> Result<Option<Journal>, RuntimeError> {
        let open = OpenOptions::new().read(true).write(true).open(path);
        let mut file = match open {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(io_error("open", path, source)),
        };
        lock(&file, path)?;
        let Some(header) = read_header(&mut file, path)? else {
            // Torn before the first record: nothing was done.
            return Ok(None);
        };
        let mut journal = Journal {
            path: path.to_owned(),
            key: RunKey(header),
            file: None,
            resume: Resume::default(),
            undo: None,
            undo_number: 0,
            unguarded: false,
        };
        let mut undo = None;
        let mut whole = file
            .stream_position()
            .map_err(|e| io_error("read", path, e))?;
        while let Some(record) = read_piece(&mut file).map_err(|e| io_error("read", path, e))? {
            let Some(record) = Record::decode(&record) else {
                break;
            };
            whole = file
                .stream_position()
                .map_err(|e| io_error("read", path, e))?;
            match record {
                Record::Window {
                    step,
                    position,
                    nodes,
                } => {
                    (journal.resume.step, journal.resume.position) = (step, position);
                    journal.resume.nodes = nodes;
                }
                Record::Step { step, state } => {
                    (journal.resume.step, journal.resume.position) = (step, 0);
                    journal.resume.nodes.clear();
                    journal.resume.state = Some(state);
                }
                Record::Unguarded => journal.unguarded = true,
                Record::Undo {
                    number,
                    step,
                    position,
                    extents,
                } => {
                    journal.undo_number = number;
                    undo = Some((step, position, extents));
                }
            }
        }
        let at = (journal.resume.step, journal.resume.position);
        journal.undo = undo
            .filter(|(step, position, _)| (*step, *position) >= at)
            .map(|(_, _, extents)| (journal.undo_number, extents));
        // What is torn goes, so that the next record follows a whole one.
        file.set_len(whole).map_err(|e| io_error("cut", path, e))?;
        file.seek(SeekFrom::End(0))
            .map_err(|e| io_error("read", path, e))?;
        journal.file = Some(file);
        Ok(Some(journal))
    }

    /// Refuses to run over a file that an earlier run in place has left partly updated: one that has left a journal.
    ///
    /// # Errors
    /// [`PartlyUpdated`](RuntimeErrorKind::PartlyUpdated); what the system says.
    pub fn check_absent(path: impl AsRef<Path>) -> Result<(), RuntimeError> {
        let journal = Journal::read(path.as_ref())?;
        journal.map_or(Ok(()), |journal| Err(journal.partly_updated()))
    }

    fn partly_updated(&self) -> RuntimeError {
        let (path, done) = (self.path.clone(), self.resume.position as u64);
        RuntimeErrorKind::PartlyUpdated { path, done }.into()
    }

    /// Says that old bytes are not saved, and refuses to go on from where that was so.
    ///
    /// # Errors
    /// [`PartlyUpdated`](RuntimeErrorKind::PartlyUpdated); what the system says.
    pub(crate) fn guard(&mut self, saves: bool) -> Result<(), RuntimeError> {
        if self.unguarded {
            return Err(self.partly_updated());
        }
        if saves {
            return Ok(());
        }
        self.unguarded = true;
        self.append(&Record::Unguarded)
    }

    /// Its name.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Whether anything is written down, so that a run can go on from here.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.file.is_some()
    }

    /// Discards it, once the output is whole or the run is given up.
    ///
    /// # Errors
    /// What the system says.
    pub fn remove(mut self) -> Result<(), RuntimeError> {
        self.file = None;
        self.erase()
    }

    fn erase(&self) -> Result<(), RuntimeError> {
        // The journal last: killed in between, what is left is still known for what it is.
        for path in [&self.undo_path(), &self.path] {
            match fs::remove_file(path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(io_error("remove", path, error));
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn undo_path(&self) -> PathBuf {
        with_suffix(&self.path, ".undo")
    }

    pub(crate) fn resume(&self) -> &Resume {
        &self.resume
    }

    /// Writes a record down, and waits until it is on the disk.
    pub(crate) fn append(&mut self, record: &Record) -> Result<(), RuntimeError> {
        let mut bytes = Vec::new();
        let is_new = self.file.is_none();
        if is_new {
            let file = File::create(&self.path).map_err(|e| io_error("create", &self.path, e))?;
            lock(&file, &self.path)?;
            self.file = Some(file);
            bytes.extend_from_slice(MAGIC);
            push_piece(&mut bytes, self.key.0.as_bytes());
        }
        push_piece(&mut bytes, &record.encode());
        let file = self.file.as_mut().expect("just created");
        let written = file.write_all(&bytes).and_then(|()| file.sync_data());
        written.map_err(|source| io_error("write", &self.path, source))?;
        if is_new {
            // Its name, that of the saved bytes it speaks of, and those of new outputs.
            sync_directory(&self.path)?;
        }
        Ok(())
    }

    /// Saves bytes of maps that windows from `position` of `step` on are about to overwrite.
    pub(crate) fn save(
        &mut self,
        maps: &[Mapped<'_>],
        step: usize,
        position: usize,
        extents: Vec<Extent>,
    ) -> Result<(), RuntimeError> {
        let path = self.undo_path();
        let number = self.undo_number + 1;
        let write = || -> io::Result<()> {
            let mut to = File::create(&path)?;
            to.write_all(&number.to_le_bytes())?;
            for (map, bytes) in &extents {
                let from = maps[*map].map;
                copy(
                    from.file(),
                    from.offset() + bytes.start as u64,
                    &mut to,
                    None,
                    bytes.len(),
                )?;
            }
            to.sync_data()
        };
        write().map_err(|source| {
            // It is of no use, and the disk may be full.
            let _ = fs::remove_file(&path);
            io_error("write", &path, source)
        })?;
        self.undo_number = number;
        self.append(&Record::Undo {
            number,
            step,
            position,
            extents,
        })
    }

    /// Puts back what an unfinished window may have overwritten.
    pub(crate) fn restore(&mut self, maps: &[Mapped<'_>]) -> Result<(), RuntimeError> {
        let Some((number, extents)) = self.undo.take() else {
            return Ok(());
        };
        let path = self.undo_path();
        let restore = || -> io::Result<()> {
            let mut from = File::open(&path)?;
            let mut bears = [0; 8];
            let torn = from.read_exact(&mut bears).is_err();
            if torn || u64::from_le_bytes(bears) != number {
                // Restored by a run that was killed when it had begun to save the next bytes.
                return Ok(());
            }
            let mut at = bears.len() as u64;
            for (map, bytes) in &extents {
                let to = maps[*map].map;
                let mut file = to.file();
                copy(
                    &from,
                    at,
                    &mut file,
                    Some(to.offset() + bytes.start as u64),
                    bytes.len(),
                )?;
                at += bytes.len() as u64;
            }
            Ok(())
        };
        restore().map_err(|source| io_error("restore from", &path, source))?;
        for (map, _) in &extents {
            let file = maps[*map].map;
            file.file()
                .sync_data()
                .map_err(|source| io_error("sync", file.path(), source))?;
        }
        Ok(())
    }
}

/// Copies `n` bytes from byte `at` on, to where the file is or to byte `to`.
fn copy(
    mut from: &File,
    at: u64,
    mut target: impl Write + Seek,
    to: Option<u64>,
    n: usize,
) -> io::Result<()> {
    from.seek(SeekFrom::Start(at))?;
    if let Some(to) = to {
        target.seek(SeekFrom::Start(to))?;
    }
    let mut buffer = vec![0; COPY_BYTES.min(n)];
    let mut left = n;
    while left > 0 {
        let piece = &mut buffer[..COPY_BYTES.min(left)];
        from.read_exact(piece)?;
        target.write_all(piece)?;
        left -= piece.len();
    }
    Ok(())
}

/// Keeps other runs off a journal while this one goes on.
fn lock(file: &File, path: &Path) -> Result<(), RuntimeError> {
    match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            let path = path.to_owned();
            Err(DataError::from(DataErrorKind::InUse { path }).into())
        }
        // Some network file systems know no locks; there, two runs over one output are on their own.
        Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
    }
}

/// The key that a journal begins with; none if it is torn.
fn read_header(file: &mut File, path: &Path) -> Result<Option<String>, RuntimeError> {
    let mut magic = vec![0; MAGIC.len()];
    match file.read_exact(&mut magic) {
        Ok(()) if magic == MAGIC => {}
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        Err(source) => return Err(io_error("read", path, source)),
        Ok(()) => {
            let difference = "it is no journal of this version".to_owned();
            let path = path.to_owned();
            return Err(RuntimeErrorKind::JournalMismatch { path, difference }.into());
        }
    }
    let header = read_piece(file).map_err(|source| io_error("read", path, source))?;
    Ok(header.and_then(|bytes| String::from_utf8(bytes).ok()))
}

/// Length, bytes, checksum.
fn push_piece(to: &mut Vec<u8>, piece: &[u8]) {
    to.extend_from_slice(&(piece.len() as u64).to_le_bytes());
    to.extend_from_slice(piece);
    to.extend_from_slice(&checksum(piece).to_le_bytes());
}

/// The next piece; none if it is torn, or there is none.
fn read_piece(file: &mut File) -> io::Result<Option<Vec<u8>>> {
    let mut word = [0; 8];
    let mut read = |buffer: &mut [u8]| match file.read_exact(buffer) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(false),
        Err(error) => Err(error),
    };
    if !read(&mut word)? {
        return Ok(None);
    }
    let len = u64::from_le_bytes(word);
    let Some(len) = usize::try_from(len)
        .ok()
        .filter(|&len| len <= MAX_RECORD_BYTES)
    else {
        return Ok(None);
    };
    let mut piece = vec![0; len];
    if !read(&mut piece)? || !read(&mut word)? {
        return Ok(None);
    }
    Ok((u64::from_le_bytes(word) == checksum(&piece)).then_some(piece))
}

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn io_error(action: &'static str, path: &Path, source: io::Error) -> RuntimeError {
    let path = path.to_owned();
    DataError::from(DataErrorKind::Io {
        action,
        path,
        source,
    })
    .into()
}

/// A line of a [`RunKey`].
pub(crate) fn key_line(key: &mut String, what: &str, name: &str, text: std::fmt::Arguments<'_>) {
    let name = name.escape_debug();
    writeln!(key, "{what} {name}: {text}").expect("a string takes all text");
}

impl Record {
    fn encode(&self) -> Vec<u8> {
        let mut to = Bytes::default();
        match self {
            Record::Window {
                step,
                position,
                nodes,
            } => {
                to.number(0).number(*step as u64).number(*position as u64);
                to.number(nodes.len() as u64);
                for (level, words) in nodes {
                    to.number(u64::from(*level)).number(words.len() as u64);
                    words.iter().for_each(|&word| {
                        to.number(word);
                    });
                }
            }
            Record::Unguarded => {
                to.number(3);
            }
            Record::Step { step, state } => {
                to.number(1)
                    .number(*step as u64)
                    .number(state.scalars.len() as u64);
                for scalar in &state.scalars {
                    to.text(&scalar.dtype().to_string());
                    let bits = scalar.bits();
                    to.number(bits as u64).number((bits >> 64) as u64);
                }
                to.number(state.kept.len() as u64);
                for kept in &state.kept {
                    to.number(u64::from(kept.is_some()));
                    if let Some(KeptBytes {
                        dtype,
                        shape,
                        bytes,
                    }) = kept
                    {
                        to.text(&dtype.to_string()).number(shape.len() as u64);
                        shape.iter().for_each(|&extent| {
                            to.number(extent as u64);
                        });
                        to.bytes(bytes);
                    }
                }
            }
            Record::Undo {
                number,
                step,
                position,
                extents,
            } => {
                to.number(2)
                    .number(*number)
                    .number(*step as u64)
                    .number(*position as u64);
                to.number(extents.len() as u64);
                for (map, Range { start, end }) in extents {
                    to.number(*map as u64)
                        .number(*start as u64)
                        .number(*end as u64);
                }
            }
        }
        to.0
    }

    fn decode(bytes: &[u8]) -> Option<Record> {
        let mut from = bytes::Reader(bytes);
        let record = match from.number()? {
            0 => {
                let (step, position) = (from.size()?, from.size()?);
                let nodes = from.list(|from| {
                    let level = u32::try_from(from.number()?).ok()?;
                    Some((level, from.list(bytes::Reader::number)?))
                })?;
                Record::Window {
                    step,
                    position,
                    nodes,
                }
            }
            1 => {
                let step = from.size()?;
                let scalars = from.list(|from| {
                    let dtype = from.dtype()?;
                    let (low, high) = (from.number()?, from.number()?);
                    Some(Scalar::from_bits(
                        dtype,
                        u128::from(high) << 64 | u128::from(low),
                    ))
                })?;
                let kept = from.list(|from| {
                    if from.number()? == 0 {
                        return Some(None);
                    }
                    let dtype = from.dtype()?;
                    let shape = from.list(bytes::Reader::size)?;
                    let bytes = from.bytes()?.to_vec();
                    Some(Some(KeptBytes {
                        dtype,
                        shape,
                        bytes,
                    }))
                })?;
                Record::Step {
                    step,
                    state: State { scalars, kept },
                }
            }
            2 => {
                let (number, step, position) = (from.number()?, from.size()?, from.size()?);
                let extents = from.list(|from| {
                    let (map, start, end) = (from.size()?, from.size()?, from.size()?);
                    (start <= end).then_some((map, start..end))
                })?;
                Record::Undo {
                    number,
                    step,
                    position,
                    extents,
                }
            }
            3 => Record::Unguarded,
            _ => return None,
        };
        from.0.is_empty().then_some(record)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records() -> Vec<Record> {
        let kept = KeptBytes {
            dtype: DType::I16,
            shape: vec![2, 1],
            bytes: vec![1, 2, 3, 4],
        };
        vec![
            Record::Undo {
                number: 3,
                step: 0,
                position: 0,
                extents: vec![(1, 5..70), (0, 9..9)],
            },
            Record::Window {
                step: 0,
                position: 4096,
                nodes: vec![(3, vec![1, u64::MAX]), (0, vec![2, 5])],
            },
            Record::Step {
                step: 2,
                state: State {
                    scalars: vec![
                        Scalar::F64(-0.5),
                        Scalar::Bool(true),
                        Scalar::C128(numloom_data::Complex::new(1.0, -2.0)),
                    ],
                    kept: vec![None, Some(kept)],
                },
            },
        ]
    }

    #[test]
    fn records_come_back_as_they_were() {
        for record in records() {
            let bytes = record.encode();
            assert_eq!(Record::decode(&bytes), Some(record));
            for cut in 0..bytes.len() {
                assert_eq!(Record::decode(&bytes[..cut]), None, "cut at {cut}");
            }
        }
    }

    #[test]
    fn a_journal_torn_anywhere_has_the_records_before() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.journal");
        let key = RunKey("version 1: x\nprogram: a\ninput a: 5\n".to_owned());
        let mut journal = Journal::create(&path, key.clone()).unwrap();
        assert!(Journal::load(&path, key.clone()).unwrap().is_none());
        let mut ends = Vec::new();
        for record in records() {
            journal.append(&record).unwrap();
            ends.push(fs::metadata(&path).unwrap().len());
        }
        drop(journal);
        let whole = fs::read(&path).unwrap();
        for cut in 0..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let found = Journal::load(&path, key.clone()).unwrap();
            let records = ends.iter().filter(|&&end| end <= cut as u64).count();
            let at = found.map(|journal| {
                (
                    journal.resume.step,
                    journal.resume.position,
                    journal.undo.is_some(),
                )
            });
            match records {
                0 => assert!(
                    matches!(at, None | Some((0, 0, false))),
                    "cut at {cut}: {at:?}"
                ),
                n => assert_eq!(
                    at,
                    Some([(0, 0, true), (0, 4096, false), (2, 0, false)][n - 1]),
                    "cut at {cut}"
                ),
            }
        }
    }

    #[test]
    fn a_journal_of_another_run_says_what_differs() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("out.journal");
        let key = |text: &str| RunKey(text.to_owned());
        let mut journal = Journal::create(&path, key("program: a\ninput a.npy: 5\n")).unwrap();
        journal.append(&records()[1]).unwrap();
        let error = Journal::load(&path, key("")).unwrap_err().to_string();
        assert!(error.contains("being written"), "{error}");
        drop(journal);
        for (other, said) in [
            ("program: b\ninput a.npy: 5\n", "another expression"),
            (
                "program: a\ninput a.npy: 6\n",
                "input `a.npy` has changed since",
            ),
            ("program: a\n", "another expression"),
        ] {
            let error = Journal::load(&path, key(other)).unwrap_err().to_string();
            assert!(error.contains(said), "{error}");
        }
    }
}
