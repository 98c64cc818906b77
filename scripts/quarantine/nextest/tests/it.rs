//! Tests of a whole.

#[test]
fn fails() {
    assert_eq!(1, 2);
}

#[test]
fn passes() {}
