//! Numbers and texts as bytes, and back, with nothing trusted.

use numloom_data::DType;

/// Bytes that grow: numbers as eight bytes, lists and texts with their length before them.
#[derive(Default)]
pub(super) struct Bytes(pub(super) Vec<u8>);

impl Bytes {
    pub(super) fn number(&mut self, number: u64) -> &mut Bytes {
        self.0.extend_from_slice(&number.to_le_bytes());
        self
    }

    pub(super) fn bytes(&mut self, bytes: &[u8]) -> &mut Bytes {
        self.number(bytes.len() as u64).0.extend_from_slice(bytes);
        self
    }

    pub(super) fn text(&mut self, text: &str) -> &mut Bytes {
        self.bytes(text.as_bytes())
    }
}

/// The bytes that are left to read; each method is none if they do not say what it reads.
pub(super) struct Reader<'a>(pub(super) &'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn number(&mut self) -> Option<u64> {
        let (number, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(u64::from_le_bytes(*number))
    }

    pub(super) fn size(&mut self) -> Option<usize> {
        usize::try_from(self.number()?).ok()
    }

    pub(super) fn bytes(&mut self) -> Option<&'a [u8]> {
        let n = self.size()?;
        let (bytes, rest) = self.0.split_at_checked(n)?;
        self.0 = rest;
        Some(bytes)
    }

    pub(super) fn dtype(&mut self) -> Option<DType> {
        std::str::from_utf8(self.bytes()?).ok()?.parse().ok()
    }

    pub(super) fn list<T>(
        &mut self,
        mut item: impl FnMut(&mut Reader<'a>) -> Option<T>,
    ) -> Option<Vec<T>> {
        let n = self.size()?;
        // An item takes a byte at least, so no length that is made up reserves much.
        let mut items = Vec::with_capacity(n.min(self.0.len()));
        for _ in 0..n {
            items.push(item(self)?);
        }
        Some(items)
    }
}

/// FNV-1a, of 64 bits: it tells torn bytes, not hostile ones.
pub(crate) fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, &byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
