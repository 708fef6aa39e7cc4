//! The kernel cache: what was compiled, by program, the least recently used forgotten first.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use numloom_ir::{InstKind, Program};

use crate::compiled::Inner;

/// What the kernel cache holds and has done; see [`Engine::cache_info`](crate::Engine::cache_info).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
#[non_exhaustive]
pub struct CacheInfo {
    /// Programs in the cache.
    pub entries: usize,
    /// The most programs it holds.
    pub max_entries: usize,
    /// About how many bytes of code and kernels they hold.
    pub bytes: usize,
    /// The most bytes it holds.
    pub max_bytes: usize,
    /// Programs that were found.
    pub hits: u64,
    /// Programs that were not.
    pub misses: u64,
}

#[derive(Debug)]
struct Entry {
    inner: Arc<Inner>,
    used: u64,
}

/// Programs by their hash; of two with one hash the later stays.
#[derive(Debug, Default)]
pub(crate) struct Cache {
    entries: HashMap<u64, Entry>,
    clock: u64,
    hits: u64,
    misses: u64,
}

impl Cache {
    /// What was compiled of `prog`.
    pub(crate) fn find(&mut self, key: u64, prog: &Program) -> Option<Arc<Inner>> {
        self.clock += 1;
        if let Some(entry) = self.entries.get_mut(&key)
            && entry.inner.is_of(prog)
        {
            entry.used = self.clock;
            self.hits += 1;
            return Some(Arc::clone(&entry.inner));
        }
        self.misses += 1;
        None
    }

    /// Keeps `inner`, and forgets others until `max_entries` and `max_bytes` hold. What is forgotten is returned, to be
    /// dropped where no lock is held.
    pub(crate) fn insert(
        &mut self,
        key: u64,
        inner: Arc<Inner>,
        max_entries: usize,
        max_bytes: usize,
    ) -> Vec<Arc<Inner>> {
        let entry = Entry {
            inner,
            used: self.clock,
        };
        let mut forgotten: Vec<_> = self.entries.insert(key, entry).into_iter().collect();
        // Variants are added to entries all the time, so the sum is taken anew.
        let mut bytes = self.bytes();
        while self.entries.len() > max_entries || bytes > max_bytes {
            let oldest = self.entries.iter().min_by_key(|(_, entry)| entry.used);
            let Some((&oldest, _)) = oldest else { break };
            let entry = self.entries.remove(&oldest).expect("it was just found");
            bytes = bytes.saturating_sub(entry.inner.bytes());
            forgotten.push(entry);
        }
        forgotten.into_iter().map(|entry| entry.inner).collect()
    }

    fn bytes(&self) -> usize {
        self.entries.values().map(|entry| entry.inner.bytes()).sum()
    }

    /// Forgets all.
    pub(crate) fn clear(&mut self) -> Vec<Arc<Inner>> {
        self.entries.drain().map(|(_, entry)| entry.inner).collect()
    }

    pub(crate) fn info(&self) -> CacheInfo {
        CacheInfo {
            entries: self.entries.len(),
            bytes: self.bytes(),
            hits: self.hits,
            misses: self.misses,
            ..CacheInfo::default()
        }
    }
}

/// A hash of all that makes two programs equal.
pub(crate) fn key(prog: &Program) -> u64 {
    let mut hasher = DefaultHasher::new();
    for input in &prog.inputs {
        (&input.name, input.dtype, &input.source).hash(&mut hasher);
    }
    for inst in &prog.insts {
        (inst.dtype, inst.span).hash(&mut hasher);
        std::mem::discriminant(&inst.kind).hash(&mut hasher);
        match &inst.kind {
            InstKind::Input(i) => i.hash(&mut hasher),
            InstKind::Const(value) => value.hash(&mut hasher),
            InstKind::Apply { op, args } => (op, args).hash(&mut hasher),
            InstKind::Reduce(reduce) => reduce.hash(&mut hasher),
            InstKind::Count { axes, shape } => (axes, shape).hash(&mut hasher),
        }
    }
    for output in &prog.outputs {
        (
            &output.name,
            output.value,
            output.imag,
            &output.shape,
            output.span,
        )
            .hash(&mut hasher);
    }
    hasher.finish()
}
