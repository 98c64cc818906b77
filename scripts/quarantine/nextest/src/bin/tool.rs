//! Tests of a program.

fn main() {}

#[cfg(test)]
mod tests {
    #[test]
    fn fails() {
        assert_eq!(1, 2);
    }

    #[test]
    fn passes() {}
}
