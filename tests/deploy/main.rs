//! The life of a definition in a store, through the real command and the library, on real SQLite files.

#![cfg(test)]

mod fits;
mod library;
mod life;
mod older;
mod people;
mod place;
mod safe;
