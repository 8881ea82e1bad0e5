//! Files as memory.

use std::fs::File;
use std::io;
use std::ops::Deref;

use memmap2::Mmap;

/// A whole file as memory, read only. It must not be written to in place meanwhile.
pub struct MappedFile(Mmap);

impl MappedFile {
    /// Maps a file.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn open(file: &File) -> io::Result<Self> {
        // SAFETY: the bytes are only ever copied out, never interpreted in place, and a checkpoint's
        // files are replaced by renaming, which leaves a mapped file as it was. A program that
        // overwrites one in place meanwhile is outside what any reader of mapped files can survive.
        Ok(Self(unsafe { Mmap::map(file)? }))
    }
}

impl Deref for MappedFile {
    type Target = [u8];

    fn deref(&self) -> &[u8] {
        &self.0
    }
}
