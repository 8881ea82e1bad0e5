//! libtorch's process groups (`torch::distributed`, c10d).

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::net::IpAddr;
use std::ptr::{self, NonNull};
use std::time::Duration;

use tch::{TchError, Tensor};
use torch_sys::C_tensor;

use super::error::{check, last_error};

type Handle = *mut c_void;

unsafe extern "C" {
    fn tp_store_in_process(timeout: i64) -> Handle;
    fn tp_store_over_tcp(host: *const c_char, port: u16, serve: c_int, timeout: i64) -> Handle;
    fn tp_store_prefixed(store: Handle, prefix: *const c_char) -> Handle;
    fn tp_store_add(store: Handle, key: *const c_char, amount: i64) -> i64;
    fn tp_store_wait(store: Handle, key: *const c_char) -> c_int;
    fn tp_store_free(store: Handle);
    fn tp_group_gloo(
        store: Handle,
        rank: c_int,
        size: c_int,
        address: *const c_char,
        meeting: i64,
        timeout: i64,
    ) -> Handle;
    #[cfg(feature = "nccl")]
    fn tp_group_nccl(store: Handle, rank: c_int, size: c_int, timeout: i64) -> Handle;
    fn tp_group_free(group: Handle);
    fn tp_all_reduce(group: Handle, tensor: *const C_tensor, max: c_int) -> Handle;
    fn tp_all_gather(group: Handle, output: *const C_tensor, input: *const C_tensor) -> Handle;
    fn tp_reduce_scatter(group: Handle, output: *const C_tensor, input: *const C_tensor) -> Handle;
    fn tp_broadcast(group: Handle, tensor: *const C_tensor, source: c_int) -> Handle;
    fn tp_barrier(group: Handle) -> Handle;
    fn tp_work_wait(work: Handle) -> c_int;
    fn tp_work_free(work: Handle);
}

/// An object of the shim with the function that frees it.
struct Owned {
    handle: NonNull<c_void>,
    free: unsafe extern "C" fn(Handle),
}

// SAFETY: the objects are reference-counted C++ objects that are bound to no thread.
unsafe impl Send for Owned {}

impl Owned {
    fn new(handle: Handle, free: unsafe extern "C" fn(Handle)) -> Result<Self, TchError> {
        let handle = NonNull::new(handle).ok_or_else(last_error)?;
        Ok(Self { handle, free })
    }

    fn get(&self) -> Handle {
        self.handle.as_ptr()
    }
}

impl Drop for Owned {
    fn drop(&mut self) {
        // SAFETY: `handle` came from the shim together with `free`, and is freed here only.
        unsafe { (self.free)(self.get()) }
    }
}

/// Where the ranks of a group meet.
pub(crate) struct Store(Owned);

// SAFETY: c10d's stores lock inside.
unsafe impl Sync for Store {}

/// A c10d process group, as one rank sees it.
pub(crate) struct Group(Owned);

/// A collective that has begun. The shim keeps its tensors alive.
pub(crate) struct Work(Owned);

impl Store {
    /// A store for the threads of this process.
    pub(crate) fn in_process(timeout: Duration) -> Result<Self, TchError> {
        // SAFETY: takes no pointers.
        let store = unsafe { tp_store_in_process(milliseconds(timeout)) };
        Owned::new(store, tp_store_free).map(Self)
    }

    /// A store for processes; exactly one of them serves it.
    pub(crate) fn over_tcp(
        host: &str,
        port: u16,
        serve: bool,
        timeout: Duration,
    ) -> Result<Self, TchError> {
        let host = CString::new(host)?;
        // SAFETY: the shim copies the string.
        let store =
            unsafe { tp_store_over_tcp(host.as_ptr(), port, serve.into(), milliseconds(timeout)) };
        Owned::new(store, tp_store_free).map(Self)
    }

    /// The same store with `prefix` before its keys.
    pub(crate) fn prefixed(&self, prefix: &str) -> Result<Self, TchError> {
        let prefix = CString::new(prefix)?;
        // SAFETY: the shim copies the string and shares the ownership of the store.
        let store = unsafe { tp_store_prefixed(self.0.get(), prefix.as_ptr()) };
        Owned::new(store, tp_store_free).map(Self)
    }

    /// Adds to the number under `key`, which starts at 0, and gives the sum.
    pub(crate) fn add(&self, key: &CStr, amount: u32) -> Result<i64, TchError> {
        // SAFETY: the shim copies the string.
        match unsafe { tp_store_add(self.0.get(), key.as_ptr(), amount.into()) } {
            sum if sum < 0 => Err(last_error()),
            sum => Ok(sum),
        }
    }

    /// Waits until another rank has added to the number under `key`.
    pub(crate) fn wait(&self, key: &CStr) -> Result<(), TchError> {
        // SAFETY: the shim copies the string.
        check(unsafe { tp_store_wait(self.0.get(), key.as_ptr()) }).map(drop)
    }
}

impl Group {
    /// Meets the other ranks at the store and connects to each, within the time for the `meeting`. They
    /// reach this one at `address`, or at the interface that GLOO_SOCKET_IFNAME names.
    pub(crate) fn gloo(
        store: &Store,
        rank: usize,
        size: usize,
        address: Option<IpAddr>,
        meeting: Duration,
        timeout: Duration,
    ) -> Result<Self, TchError> {
        let address = address.map(|address| CString::new(address.to_string()));
        let address = address.transpose()?;
        let address = address.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let (rank, size) = (rank as c_int, size as c_int);
        let (meeting, timeout) = (milliseconds(meeting), milliseconds(timeout));
        // SAFETY: the group shares the ownership of the store; the shim copies the string.
        let group = unsafe { tp_group_gloo(store.0.get(), rank, size, address, meeting, timeout) };
        Owned::new(group, tp_group_free).map(Self)
    }

    /// A group of ranks with a GPU each, which meet at their first collective.
    #[cfg(feature = "nccl")]
    pub(crate) fn nccl(
        store: &Store,
        rank: usize,
        size: usize,
        timeout: Duration,
    ) -> Result<Self, TchError> {
        let (rank, size) = (rank as c_int, size as c_int);
        // SAFETY: the group shares the ownership of the store.
        let group = unsafe { tp_group_nccl(store.0.get(), rank, size, milliseconds(timeout)) };
        Owned::new(group, tp_group_free).map(Self)
    }

    /// Begins to reduce `tensor` in place.
    pub(crate) fn all_reduce(&self, tensor: &Tensor, max: bool) -> Result<Work, TchError> {
        // SAFETY: the work shares the ownership of the tensor.
        Work::new(unsafe { tp_all_reduce(self.0.get(), tensor.as_ptr(), max.into()) })
    }

    /// Begins to join the ranks' inputs, along the first dimension.
    pub(crate) fn all_gather(&self, output: &Tensor, input: &Tensor) -> Result<Work, TchError> {
        // SAFETY: the work shares the ownership of the tensors.
        Work::new(unsafe { tp_all_gather(self.0.get(), output.as_ptr(), input.as_ptr()) })
    }

    /// Begins to sum the ranks' inputs into equal parts of the first dimension.
    pub(crate) fn reduce_scatter(&self, output: &Tensor, input: &Tensor) -> Result<Work, TchError> {
        // SAFETY: the work shares the ownership of the tensors.
        Work::new(unsafe { tp_reduce_scatter(self.0.get(), output.as_ptr(), input.as_ptr()) })
    }

    /// Begins to overwrite `tensor` with that of rank `source`.
    pub(crate) fn broadcast(&self, tensor: &Tensor, source: usize) -> Result<Work, TchError> {
        // SAFETY: the work shares the ownership of the tensor.
        Work::new(unsafe { tp_broadcast(self.0.get(), tensor.as_ptr(), source as c_int) })
    }

    /// Begins to wait for every rank.
    pub(crate) fn barrier(&self) -> Result<Work, TchError> {
        // SAFETY: takes the group only.
        Work::new(unsafe { tp_barrier(self.0.get()) })
    }
}

impl Work {
    fn new(work: Handle) -> Result<Self, TchError> {
        Owned::new(work, tp_work_free).map(Self)
    }

    /// Completes the collective.
    pub(crate) fn wait(&self) -> Result<(), TchError> {
        // SAFETY: takes the work only.
        check(unsafe { tp_work_wait(self.0.get()) }).map(drop)
    }
}

/// The longest time that c10d is given, a hundred years: it adds it to clocks that count nanoseconds.
const FOREVER: Duration = Duration::from_secs(100 * 365 * 24 * 60 * 60);

fn milliseconds(timeout: Duration) -> i64 {
    timeout.min(FOREVER).as_millis() as i64
}
