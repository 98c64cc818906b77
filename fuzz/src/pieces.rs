//! A large report, made while it is read.

use std::io::{self, Read};

/// So many pieces, each made of its number, from 1.
pub struct Pieces<P> {
    make: P,
    count: u64,
    next: u64,
    buffer: Vec<u8>,
    at: usize,
    given: u64,
}

impl<P: FnMut(u64) -> String> Pieces<P> {
    /// `count` pieces.
    pub fn new(count: u64, make: P) -> Self {
        Self { make, count, next: 1, buffer: Vec::new(), at: 0, given: 0 }
    }

    /// How many bytes were read of it.
    pub fn given(&self) -> u64 {
        self.given
    }
}

impl<P: FnMut(u64) -> String> Read for Pieces<P> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.at == self.buffer.len() && self.next <= self.count {
            (self.buffer, self.at) = ((self.make)(self.next).into_bytes(), 0);
            self.next += 1;
        }
        let count = buffer.len().min(self.buffer.len() - self.at);
        buffer[..count].copy_from_slice(&self.buffer[self.at..self.at + count]);
        self.at += count;
        self.given += count as u64;
        Ok(count)
    }
}
