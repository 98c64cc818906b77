//! Work on many things on all processors.

/// Fewer things than this are not worth another thread.
const FEW: usize = 64;

/// What a function makes of each of some things, in their order.
pub fn map<T: Sync, R: Send>(things: &[T], make: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    if threads == 1 || things.len() < FEW {
        return things.iter().map(make).collect();
    }
    let make = &make;
    std::thread::scope(|scope| {
        let parts = things.chunks(things.len().div_ceil(threads));
        let parts: Vec<_> = parts.map(|part| scope.spawn(move || part.iter().map(make).collect::<Vec<R>>())).collect();
        let joined = parts.into_iter().map(|part| part.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)));
        joined.flatten().collect()
    })
}

#[cfg(test)]
mod tests {
    use super::map;

    #[test]
    fn the_order_stays() {
        for count in [0, 1, 63, 64, 1001] {
            let things: Vec<usize> = (0..count).collect();
            assert_eq!(map(&things, |thing| thing + 1), (1..=count).collect::<Vec<_>>());
        }
    }
}
