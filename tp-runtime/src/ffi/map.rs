//! Files as memory.

use std::fs::File;
use std::io;

use memmap2::Mmap;

/// Maps a whole file, read only.
pub(crate) fn map(file: &File) -> io::Result<Mmap> {
    // SAFETY: the bytes are only ever copied out, never interpreted in place, and a checkpoint's
    // files are replaced by renaming, which leaves a mapped file as it was. A program that
    // overwrites one in place meanwhile is outside what any reader of mapped files can survive.
    unsafe { Mmap::map(file) }
}
