//! Tests of a library.

#[cfg(test)]
mod tests {
    #[test]
    fn fails() {
        assert_eq!(1, 2);
    }

    #[test]
    fn fails_not() {}
}
