//! Tables of sixteen rows, which kernels look up by the lowest four bits of a lane.

/// Sixteen rows of `K` entries, at most four.
///
/// Both ways round: an instruction set that permutes registers takes the columns; one that loads takes a row for each lane, and turns them.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Table<const K: usize> {
    pub(crate) columns: [[f64; 16]; K],
    pub(crate) rows: [[f64; 4]; 16],
}

impl<const K: usize> Table<K> {
    pub(crate) const fn new(columns: [&[f64; 16]; K]) -> Table<K> {
        assert!(K <= 4, "a row has four entries");
        let mut table = Table {
            columns: [[0.0; 16]; K],
            rows: [[0.0; 4]; 16],
        };
        let mut k = 0;
        while k < K {
            table.columns[k] = *columns[k];
            let mut row = 0;
            while row < 16 {
                table.rows[row][k] = columns[k][row];
                row += 1;
            }
            k += 1;
        }
        table
    }

    /// The row that the lowest four bits count.
    #[inline(always)]
    pub(crate) fn row(&self, bits: u64) -> [f64; K] {
        let row = &self.rows[(bits & 15) as usize];
        std::array::from_fn(|k| row[k])
    }
}
