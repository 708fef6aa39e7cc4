//! Raw files, opened and made by what a user types.

use std::fs;

use numloom_data::{ByteOrder, DType, MapMode, Scalar};
use numloom_io::{FileSpec, IoErrorKind};
use tempfile::tempdir;

fn spec(path: &std::path::Path, layout: &str) -> FileSpec {
    format!("{}{layout}", path.display()).parse().unwrap()
}

#[test]
fn a_spec_maps_what_it_says() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("a.bin");
    let bytes: Vec<u8> = [0xffff, 1u16, 2, 3, 4]
        .iter()
        .flat_map(|v| v.to_be_bytes())
        .collect();
    fs::write(&path, bytes).unwrap();
    let values = |layout| {
        let array = spec(&path, layout).open(MapMode::Read).unwrap();
        let shape = array.shape().to_vec();
        (
            shape,
            array.view().to_array().unwrap().to_vec::<u16>().unwrap(),
        )
    };
    assert_eq!(values(":>u2[2,2]@2"), (vec![2, 2], vec![1, 2, 3, 4]));
    assert_eq!(values(":>u2[2,2]@2:F"), (vec![2, 2], vec![1, 3, 2, 4]));
    assert_eq!(values(":>u2@4"), (vec![3], vec![2, 3, 4]));
    assert_eq!(values(":<u2[1]@2"), (vec![1], vec![256]));
    let error = spec(&path, ":>u2[6]").open(MapMode::Read).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "`{}` is too short: 12 bytes are needed, the file has 10",
            path.display()
        )
    );
}

#[test]
fn outputs_follow_their_spec_or_refuse() {
    let dir = tempdir().unwrap();
    let path = dir.path().join("c.bin");
    let swapped = if ByteOrder::BIG == ByteOrder::Swapped {
        ">"
    } else {
        "<"
    };
    let out_spec = spec(&path, &format!(":{swapped}i2[2]@3"));
    let mut out = out_spec.create(DType::I16, &[2]).unwrap();
    out.view_mut().fill(&Scalar::I16(0x0102)).unwrap();
    assert!(!path.exists());
    out.commit().unwrap();
    let one = 0x0102i16.swap_bytes().to_ne_bytes();
    assert_eq!(
        fs::read(&path).unwrap(),
        [&[0, 0, 0][..], &one, &one].concat()
    );

    let error = out_spec.create(DType::F64, &[3]).unwrap_err();
    assert!(matches!(error.kind(), IoErrorKind::SpecMismatch { .. }));
    assert_eq!(
        error.to_string(),
        format!(
            "`{}`: described as i16 of shape (2,), but f64 of shape (3,) is to be written",
            path.display()
        )
    );
    spec(&path, ":f64")
        .create(DType::F64, &[3])
        .unwrap()
        .commit()
        .unwrap();
    assert_eq!(fs::read(&path).unwrap(), [0; 24]);
    spec(&dir.path().join("c"), ".npy")
        .create(DType::F64, &[3])
        .unwrap()
        .commit()
        .unwrap();
    assert_eq!(fs::read(dir.path().join("c.npy")).unwrap().len(), 128 + 24);
}
