//! `.npy` files: what is written reads back, and what is broken is an error that says how.

use std::fs;

use numloom_data::{
    Array, ByteOrder, DType, DataErrorKind, MapMode, Order, Scalar, View, partial_path,
};
use numloom_io::npy::header::to_npy_descr;
use numloom_io::{FileFormat, IoError, IoErrorKind, npy, probe};
use proptest::prelude::*;
use tempfile::tempdir;

const DTYPES: [DType; 16] = {
    let mut dtypes = [DType::Bytes(1); 16];
    let mut i = 0;
    while i < DType::ALL.len() {
        dtypes[i] = DType::ALL[i];
        i += 1;
    }
    dtypes[15] = DType::Bytes(5);
    dtypes
};

/// Elements of all kinds of bytes; bools are 0 or 1.
fn sample(dtype: DType, shape: &[usize], order: Order) -> Array {
    let mut array = Array::zeros(dtype, shape, order).unwrap();
    for (i, byte) in array.as_bytes_mut().iter_mut().enumerate() {
        let noise = (i as u8).wrapping_mul(151) ^ 0x5a;
        *byte = if dtype == DType::Bool {
            noise & 1
        } else {
            noise
        };
    }
    array
}

/// The header text in a frame of this version, not padded.
fn frame(version: u8, text: &str) -> Vec<u8> {
    let mut bytes = b"\x93NUMPY".to_vec();
    bytes.extend([version, 0]);
    let len = text.len() as u32;
    bytes.extend(&len.to_le_bytes()[..if version == 1 { 2 } else { 4 }]);
    bytes.extend(text.as_bytes());
    bytes
}

fn parse(text: &str) -> Result<npy::Header, IoError> {
    npy::parse_header(&frame(1, text))
}

#[test]
fn every_dtype_order_version_and_byte_order_reads_back() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.npy");
    for dtype in DTYPES {
        for shape in [&[][..], &[0], &[7], &[2, 3], &[3, 0, 2], &[2, 1, 3]] {
            for order in [Order::C, Order::F] {
                for version in 1..=3 {
                    for byte_order in [ByteOrder::Native, ByteOrder::Swapped] {
                        let want = sample(dtype, shape, order);
                        let mut header = npy::Header::new(dtype, shape, order).unwrap();
                        header.version = version;
                        header.byte_order = byte_order;
                        let mut bytes = header.to_bytes();
                        assert_eq!(bytes.len() % 64, 0);
                        header.data_offset = bytes.len() as u64;
                        // The same values with the bytes of each unit reversed.
                        let mut data = want.as_bytes().to_vec();
                        if byte_order == ByteOrder::Swapped && dtype.itemsize() > 0 {
                            data.chunks_mut(dtype.swap_unit()).for_each(<[u8]>::reverse);
                        }
                        bytes.extend(data);
                        fs::write(&path, &bytes).unwrap();

                        let read = npy::read(&path).unwrap();
                        assert_eq!(read, want);
                        assert_eq!(read.order(), order);
                        assert_eq!(npy::read_from(&mut &bytes[..]).unwrap(), want);
                        let mapped = npy::open(&path, MapMode::Read).unwrap();
                        assert_eq!(mapped.order(), order);
                        assert_eq!(mapped.view().to_array().unwrap(), want);
                        if dtype.swap_unit() > 1 {
                            let FileFormat::Npy(found) = probe(&path).unwrap().format else {
                                panic!("an .npy file")
                            };
                            assert_eq!(found, header);
                        }
                    }
                }
            }
        }
    }
}

#[test]
fn views_of_every_layout_write_their_elements() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let base = sample(DType::F32, &[4, 5, 6], Order::C);
    let view = base.view();
    let layouts = [
        view.clone(),
        view.transpose(),
        view.reversed(1).unwrap(),
        view.slice_axis(2, Some(1), None, 2).unwrap(),
        view.slice_axis(0, None, None, -3).unwrap().transpose(),
        view.broadcast_to(&[2, 4, 5, 6]).unwrap(),
        view.with_byte_order(ByteOrder::Swapped),
        view.slice_axis(0, Some(9), None, 1).unwrap(),
    ];
    for view in layouts {
        npy::write(&path, &view).unwrap();
        let want = view.to_array().unwrap();
        assert_eq!(npy::read(&path).unwrap(), want);
        let mut bytes = Vec::new();
        npy::write_to(&mut bytes, &view).unwrap();
        assert_eq!(bytes, fs::read(&path).unwrap());
    }
    npy::write(&path, &view.transpose()).unwrap();
    assert_eq!(npy::read(&path).unwrap().order(), Order::F);
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
}

#[test]
fn the_bytes_of_a_small_file_are_numpys() {
    let mut bytes = Vec::new();
    npy::write_to(&mut bytes, &View::from_slice(&[1u8, 2, 3])).unwrap();
    let text = "{'descr': '|u1', 'fortran_order': False, 'shape': (3,), }";
    let mut want = frame(1, &format!("{text:<117}\n"));
    assert_eq!(want.len(), 128);
    want.extend([1, 2, 3]);
    assert_eq!(bytes, want);
}

#[test]
fn maps_change_the_file_and_outputs_can_be_resumed() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.npy");
    npy::write(&path, &View::from_slice(&[1i64, 2, 3])).unwrap();
    let mut mapped = npy::open(&path, MapMode::ReadWrite).unwrap();
    mapped
        .view_mut()
        .unwrap()
        .set(&[2], &Scalar::I64(9))
        .unwrap();
    drop(mapped);
    assert_eq!(
        npy::read(&path).unwrap().to_vec::<i64>().unwrap(),
        [1, 2, 9]
    );
    let error = npy::open(&path, MapMode::Create).unwrap_err();
    assert!(error.to_string().ends_with("needs a shape"), "{error}");

    let mut out = npy::create(&path, DType::I64, &[2, 2], Order::F).unwrap();
    out.view_mut().set(&[1, 0], &Scalar::I64(5)).unwrap();
    out.keep_on_drop(true);
    drop(out);
    let other = npy::reopen(&path, DType::I64, &[4], Order::C).unwrap_err();
    assert!(matches!(other.kind(), IoErrorKind::OtherOutput));
    assert!(partial_path(&path).exists());
    npy::reopen(&path, DType::I64, &[2, 2], Order::F)
        .unwrap()
        .commit()
        .unwrap();
    assert_eq!(
        npy::read(&path).unwrap().to_vec::<i64>().unwrap(),
        [0, 0, 5, 0]
    );
}

#[test]
fn python_literals_are_read_as_python_reads_them() {
    let want = npy::Header {
        dtype: DType::F64,
        byte_order: ByteOrder::LITTLE,
        fortran_order: true,
        shape: vec![3, 4],
        data_offset: 0,
        version: 1,
    };
    for text in [
        "{'descr': '<f8', 'fortran_order': True, 'shape': (3, 4), }",
        "{'descr':'<f8','fortran_order':True,'shape':(3,4)}",
        "{\"shape\": (3, 4,), \"fortran_order\": True, \"descr\": \"<f8\"}   \n",
        " \n\t{ 'shape' : ( 3 , 4 ) ,\n'descr' :'<f8', 'fortran_order': True\r\n}\n",
        "{'descr': '<f8', 'fortran_order': True, 'shape': (3L, 4L), }",
        "{'descr': '<f8', 'fortran_order': True, 'shape': (03, 4), }",
    ] {
        let mut got = parse(text).unwrap();
        got.data_offset = 0;
        assert_eq!(got, want, "{text}");
    }
    let shape = |text: &str| {
        parse(&format!(
            "{{'descr':'<f8','fortran_order':False,'shape':{text}}}"
        ))
    };
    assert_eq!(shape("()").unwrap().shape, [0; 0]);
    assert_eq!(shape("(5,)").unwrap().shape, [5]);
}

#[test]
fn broken_headers_say_what_is_missing_and_where() {
    let ok = "'descr':'<f8','fortran_order':False,'shape':(3,)";
    let cases = [
        ("", "malformed .npy header: expected `{` at byte 10"),
        ("[1]", "malformed .npy header: expected `{` at byte 10"),
        (
            "{",
            "malformed .npy header: expected a key in quotes, or `}` at byte 11",
        ),
        ("{}", "malformed .npy header: it has no key `descr`"),
        (
            "{'descr':'<f8','shape':()}",
            "malformed .npy header: it has no key `fortran_order`",
        ),
        (
            "{'descr' '<f8'}",
            "malformed .npy header: expected `:` at byte 19",
        ),
        (
            "{'descr': 3}",
            "malformed .npy header: expected a dtype in quotes at byte 20",
        ),
        (
            "{'de\\x73cr': 3}",
            "malformed .npy header: expected a string without escapes on one line at byte 11",
        ),
        (
            "{'descr",
            "malformed .npy header: expected a string without escapes on one line at byte 11",
        ),
        (
            "{'fortran_order': 1}",
            "malformed .npy header: expected `True` or `False` at byte 28",
        ),
        (
            "{'shape': 3}",
            "malformed .npy header: expected `(` at byte 20",
        ),
        (
            "{'shape': (3)}",
            "malformed .npy header: expected `,` at byte 22",
        ),
        (
            "{'shape': (3 4)}",
            "malformed .npy header: expected `,` at byte 23",
        ),
        (
            "{'shape': (3, 4",
            "malformed .npy header: expected `,` or `)` at byte 25",
        ),
        (
            "{'shape': (-1,)}",
            "malformed .npy header: expected an extent that fits the address space at byte 21",
        ),
        (
            "{'shape': (99999999999999999999,)}",
            "malformed .npy header: expected an extent that fits the address space at byte 21",
        ),
        (
            "{'shape': (), 'shape': ()}",
            "malformed .npy header: expected each key once at byte 24",
        ),
        (
            "{'color': ()}",
            "malformed .npy header: expected one of the keys `descr`, `fortran_order`, `shape` at byte 11",
        ),
        (
            "{'shape': () 'x'}",
            "malformed .npy header: expected `,` or `}` at byte 23",
        ),
    ];
    for (text, message) in cases {
        assert_eq!(parse(text).unwrap_err().to_string(), message, "{text}");
    }
    assert_eq!(
        parse(&format!("{{{ok}}} x")).unwrap_err().to_string(),
        "malformed .npy header: expected the end of the header at byte 61"
    );
    let axes = "1,".repeat(65);
    let error = parse(&format!("{{'shape': ({axes})}}")).unwrap_err();
    assert!(matches!(
        error.kind(),
        IoErrorKind::TooManyAxes { limit: 64 }
    ));
}

#[test]
fn dtypes_that_are_not_ours_are_named() {
    let refused = |descr: &str| {
        let text = format!("{{'descr': {descr}, 'fortran_order': False, 'shape': (3,), }}");
        match parse(&text).unwrap_err().kind() {
            IoErrorKind::UnsupportedDType { descr } => descr.clone(),
            other => panic!("{other:?}"),
        }
    };
    for descr in [
        "<U5",
        "|O",
        "<M8[ns]",
        "<m8",
        "|V8",
        "<f16",
        "<c32",
        "<i3",
        "",
        "<",
        "S",
        "|S-1",
        "|S0",
        "|S99999999999",
        "é8",
    ] {
        assert_eq!(refused(&format!("'{descr}'")), descr);
    }
    let nested = "[('a', '<f8'), ('b', [('c', '<i4')])]";
    assert_eq!(refused(nested), nested);
    assert!(refused(&format!("[{}]", "('a', '<q8'), ".repeat(50))).ends_with("..."));
    for broken in [
        "[]",
        "[('a')]",
        "[('a', '|O')]",
        "[('a', '|V0')]",
        "[('', '|V8')]",
        "[('a', '|S4294967296')]",
        "[('a', '|V99999999999999999999')]",
        "[('a', '<f8', (9999999999, 9999999999, 9999999999))]",
    ] {
        assert_eq!(refused(broken), broken);
    }
}

#[test]
fn a_field_of_records_is_an_array_of_its_own() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("recs.npy");
    // As NumPy writes it: a title, padding, dtypes that are not ours, a field with a shape.
    let descr = "[('id', '|u1'), (('a title', 'x'), '<f8'), ('', '|V3'), ('n', '>i2'), ('t', '<U1'), ('m', '<f4', (2,)), ('s', '|S3')]";
    let text =
        format!("{{'descr': {descr}, 'fortran_order': True, 'shape': (2, 2), }}                \n");
    let mut bytes = frame(1, &text);
    for i in 0..4u8 {
        bytes.push(10 + i);
        bytes.extend((0.5 + f64::from(i)).to_le_bytes());
        bytes.extend([0xff; 3]);
        bytes.extend((-300 * i16::from(i)).to_be_bytes());
        bytes.extend([0xff; 4 + 8]);
        bytes.extend([b'a', b'b' + i, 0]);
    }
    fs::write(&path, &bytes).unwrap();
    let open = |field| npy::open_field(&path, field, MapMode::Read);
    let field = |name| open(name).unwrap().view().to_array().unwrap();
    // Column by column in the file.
    assert_eq!(field("id").to_vec::<u8>().unwrap(), [10, 12, 11, 13]);
    assert_eq!(field("x").to_vec::<f64>().unwrap(), [0.5, 2.5, 1.5, 3.5]);
    assert_eq!(field("n").to_vec::<i16>().unwrap(), [0, -600, -300, -900]);
    assert_eq!(field("s").dtype(), DType::Bytes(3));
    assert_eq!(field("s").as_bytes(), b"ab\0ad\0ac\0ae\0");
    let map = open("x").unwrap();
    assert_eq!(
        (map.view().strides(), map.shape()),
        (&[29, 58][..], &[2, 2][..])
    );

    let message = |error: IoError| error.to_string().replace(&path.display().to_string(), "F");
    assert_eq!(
        message(open("y").unwrap_err()),
        "`F`: no field `y`; the fields are `id`, `x`, `n`, `t`, `m`, `s`"
    );
    assert_eq!(
        message(open("t").unwrap_err()),
        "`F`: dtype `<U1` is not supported"
    );
    assert_eq!(
        message(open("m").unwrap_err()),
        "`F`: dtype `<f4 of shape (2,)` is not supported"
    );
    let whole = "`F`: the file holds records; name one of their fields, as in `NAME.npy:id`: they are `id`, `x`, `n`, `t`, `m`, `s`";
    assert_eq!(message(npy::open(&path, MapMode::Read).unwrap_err()), whole);
    assert_eq!(message(npy::read(&path).unwrap_err()), whole);
    npy::write(&path, &View::from_slice(&[1.0])).unwrap();
    assert_eq!(
        message(open("x").unwrap_err()),
        "`F`: no field `x`: the file holds an array, not records"
    );
    bytes.pop();
    fs::write(&path, &bytes).unwrap();
    assert!(matches!(
        open("x").unwrap_err().kind(),
        IoErrorKind::TruncatedData { .. }
    ));
}

#[test]
fn a_field_is_written_in_place() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("recs.npy");
    let text = "{'descr': [('a', '|u1'), ('b', '<u2')], 'fortran_order': False, 'shape': (2,), }\n";
    let mut bytes = frame(1, text);
    let start = bytes.len();
    bytes.extend([1, 2, 3, 4, 5, 6]);
    fs::write(&path, &bytes).unwrap();
    let mut map = npy::open_field(&path, "b", MapMode::ReadWrite).unwrap();
    map.view_mut().unwrap().fill(&Scalar::U16(0x0a0b)).unwrap();
    map.flush().unwrap();
    assert_eq!(
        fs::read(&path).unwrap()[start..],
        [1, 0x0b, 0x0a, 4, 0x0b, 0x0a]
    );
}

#[test]
fn every_type_string_reads_back() {
    for dtype in DTYPES {
        for order in [ByteOrder::LITTLE, ByteOrder::BIG] {
            let descr = to_npy_descr(dtype, order);
            let (found, found_order) = npy::header::from_npy_descr(&descr).unwrap();
            assert_eq!(found, dtype);
            assert!(found_order == order || dtype.swap_unit() <= 1);
        }
    }
    assert_eq!(npy::header::from_npy_descr("|b1").unwrap().0, DType::Bool);
    assert_eq!(npy::header::from_npy_descr("?").unwrap().0, DType::Bool);
    assert_eq!(
        npy::header::from_npy_descr("=u4").unwrap(),
        (DType::U32, ByteOrder::Native)
    );
}

#[test]
fn files_that_are_not_whole_are_errors_with_their_name() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let name = path.display();
    let mut whole = Vec::new();
    npy::write_to(
        &mut whole,
        &View::from_slice_shaped(&[0.5; 6], &[2, 3]).unwrap(),
    )
    .unwrap();
    let message = |bytes: &[u8]| {
        fs::write(&path, bytes).unwrap();
        let error = npy::open(&path, MapMode::Read).unwrap_err();
        assert_eq!(npy::read(&path).unwrap_err().to_string(), error.to_string());
        assert_eq!(error.path(), Some(&*path));
        error.to_string()
    };
    assert_eq!(message(b""), format!("`{name}`: the file is empty"));
    assert_eq!(
        message(b"PK\x03\x04"),
        format!("`{name}`: not an .npy file: it begins with `PK\\x03\\x04`")
    );
    assert_eq!(
        message(b"\x93NUMPY\x04\x00"),
        format!("`{name}`: .npy version 4.0 is not known: it can be 1.0, 2.0 or 3.0")
    );
    for cut in 1..whole.len() {
        let text = message(&whole[..cut]);
        let want = match cut {
            ..8 => "the .npy header ends at byte 10".into(),
            8..10 => format!("the .npy header ends at byte 10, the file at byte {cut}"),
            10..128 => format!("the .npy header ends at byte 128, the file at byte {cut}"),
            _ => format!(
                "the header says shape (2, 3) of f64, which is 48 bytes, but the file has {}",
                cut - 128
            ),
        };
        assert!(text.contains(&want), "{cut}: {text}");
        assert!(npy::read_from(&mut &whole[..cut]).is_err());
    }
    whole.extend(b"more");
    fs::write(&path, &whole).unwrap();
    assert_eq!(npy::read(&path).unwrap().to_vec::<f64>().unwrap(), [0.5; 6]);
    assert_eq!(npy::open(&path, MapMode::Read).unwrap().shape(), [2, 3]);

    let long = [&b"\x93NUMPY\x02\0"[..], &u32::MAX.to_le_bytes()].concat();
    assert!(message(&long).contains("the .npy header has 4294967295 bytes"));
    let huge = frame(
        1,
        "{'descr':'<f8','fortran_order':False,'shape':(4611686018427387904, 8)}",
    );
    assert!(message(&huge).contains("larger than the address space"));
    let large = frame(
        1,
        "{'descr':'|u1','fortran_order':False,'shape':(4611686018427387904,)}",
    );
    assert!(message(&large).contains("4611686018427387904 bytes, but the file has 0"));
}

#[test]
fn stray_bool_bytes_are_true() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let mut bytes = Vec::new();
    npy::write_to(&mut bytes, &View::from_slice(&[false, true, true])).unwrap();
    let n = bytes.len();
    bytes[n - 1] = 0xff;
    fs::write(&path, &bytes).unwrap();
    let read = npy::read(&path).unwrap();
    assert_eq!(read.as_slice::<bool>().unwrap(), [false, true, true]);
    let mapped = npy::open(&path, MapMode::Read).unwrap();
    assert_eq!(mapped.view().get(&[2]), Some(Scalar::Bool(true)));
}

#[test]
fn a_cut_file_can_still_be_looked_at() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.npy");
    let mut bytes = Vec::new();
    npy::write_to(&mut bytes, &View::from_slice(&[1.0, 2.0])).unwrap();
    bytes.truncate(130);
    fs::write(&path, &bytes).unwrap();
    let info = probe(&path).unwrap();
    assert_eq!(info.missing_bytes(), 14);
    assert_eq!(
        info.to_string(),
        format!(
            "{}: 130 bytes\n.npy version 1: f64, shape (2,), C order, `{}` from byte 128\n\
             cut short: 14 of 16 bytes are missing",
            path.display(),
            to_npy_descr(DType::F64, ByteOrder::Native)
        )
    );
    fs::write(&path, b"anything").unwrap();
    assert_eq!(probe(&path).unwrap().format, FileFormat::Unknown);
    let error = probe(dir.path()).unwrap_err();
    assert!(matches!(
        error.kind(),
        IoErrorKind::Data(error) if matches!(error.kind(), DataErrorKind::NotAFile { .. })
    ));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(5000))]

    #[test]
    fn arbitrary_bytes_are_parsed_without_panic(version in 1u8..4, text: Vec<u8>) {
        let _ = npy::parse_header(&text);
        let mut bytes = frame(version, "");
        let n = bytes.len();
        bytes[8..10].copy_from_slice(&(text.len() as u16).to_le_bytes());
        bytes.truncate(n);
        bytes.extend(&text);
        let _ = npy::parse_header(&bytes);
    }

    /// A valid header with a few bytes changed: still no panic, and what is accepted is consistent.
    #[test]
    fn changed_headers_are_parsed_without_panic(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..4),
        cut: prop::sample::Index,
    ) {
        let mut bytes = npy::Header::new(DType::C64, &[3, 4, 5], Order::F).unwrap().to_bytes();
        for (at, byte) in changes {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        if let Ok(header) = npy::parse_header(&bytes) {
            prop_assert!(header.data_offset <= bytes.len() as u64);
            let mut from_reader = npy::read_header(&mut &bytes[..]).unwrap();
            prop_assert_eq!(&from_reader, &header);
            // Written again and read again, it is the same.
            from_reader.data_offset = from_reader.to_bytes().len() as u64;
            prop_assert_eq!(npy::parse_header(&from_reader.to_bytes()).unwrap(), from_reader);
        }
        let cut = cut.index(bytes.len());
        prop_assert!(npy::parse_header(&bytes[..cut]).is_err() || bytes[..10] != frame(1, "")[..10]);
    }
}
