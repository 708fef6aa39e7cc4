//! `.npy` files: any bytes are an array or an error.

use numloom_io::npy::{self, parse_header, read_from, read_header};

/// Any bytes are refused or read; a header that is read is written and read back, and so is an array.
///
/// # Panics
/// If not.
pub fn npy(data: &[u8]) {
    let parsed = parse_header(data);
    let mut stream = data;
    let streamed = read_header(&mut stream);
    match (&parsed, &streamed) {
        (Ok(a), Ok(b)) => {
            assert_eq!(a, b, "a header from memory and from a stream");
            let mut canonical = a.clone();
            let written = a.to_bytes();
            let read = parse_header(&written).expect("a header that was written reads back");
            (canonical.data_offset, canonical.version) = (read.data_offset, read.version);
            assert_eq!(read, canonical);
        }
        (Err(a), Err(b)) => assert_eq!(
            a.to_string(),
            b.to_string(),
            "an error from memory and from a stream"
        ),
        (a, b) => panic!("from memory {a:?}, from a stream {b:?}"),
    }
    // A header may promise more than there is: only what is there may be read, and nothing allocated for the rest.
    let Ok(array) = read_from(&mut &data[..]) else {
        return;
    };
    let header = parsed.expect("an array was read behind it");
    assert_eq!(
        (array.dtype(), array.shape()),
        (header.dtype, &header.shape[..])
    );
    let mut written = Vec::new();
    npy::write_to(&mut written, &array.view()).expect("memory takes all that is written");
    let again = read_from(&mut &written[..]).expect("an array that was written reads back");
    assert_eq!(again, array, "dtype, shape and bits survive");
}
