//! The same for flash that is waited for.

use core::fmt;
use core::future::Future;
use core::ops::Range;
use core::pin::pin;
use core::task::{Context, Poll, Waker};

use embedded_storage::nor_flash::{ErrorType, NorFlash};
use embedded_storage_async::nor_flash as asynchronous;

use super::{AsyncStore, KeepsState, StoreError};
use crate::layer::Layer;

/// Keeps networks in flash; see the [module](super) for an example, sizes and wear.
///
/// `BUFFER` bytes are the memory that it takes, and more than that makes fewer and larger pieces.
pub struct Store<F: NorFlash, const BUFFER: usize = 256> {
    store: AsyncStore<Blocking<F>, BUFFER>,
}

impl<F: NorFlash, const BUFFER: usize> fmt::Debug for Store<F, BUFFER> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

#[cfg(feature = "defmt")]
impl<F: NorFlash, const BUFFER: usize> defmt::Format for Store<F, BUFFER> {
    fn format(&self, f: defmt::Formatter<'_>) {
        defmt::write!(f, "Store {{ .. }}");
    }
}

impl<F: NorFlash, const BUFFER: usize> Store<F, BUFFER> {
    /// As [`AsyncStore::new`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Range`] if the range does not consist of pages of the flash.
    pub fn new(flash: F, range: Range<u32>) -> Result<Self, StoreError<F::Error>> {
        Ok(Self { store: AsyncStore::new(Blocking(flash), range)? })
    }

    /// As [`AsyncStore::saved_bytes`].
    #[must_use]
    pub const fn saved_bytes<N: Layer>() -> usize {
        AsyncStore::<Blocking<F>, BUFFER>::saved_bytes::<N>()
    }

    /// As [`AsyncStore::save`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn save<N: Layer>(&mut self, net: &N) -> Result<(), StoreError<F::Error>> {
        wait(self.store.save(net))
    }

    /// As [`AsyncStore::save_training`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn save_training<N: Layer, R: KeepsState<N>>(
        &mut self,
        net: &N,
        trainer: &R,
    ) -> Result<(), StoreError<F::Error>> {
        wait(self.store.save_training(net, trainer))
    }

    /// As [`AsyncStore::load`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn load<N: Layer>(&mut self, net: &mut N) -> Result<(), StoreError<F::Error>> {
        wait(self.store.load(net))
    }

    /// As [`AsyncStore::load_training`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn load_training<N: Layer, R: KeepsState<N>>(
        &mut self,
        net: &mut N,
        trainer: &mut R,
    ) -> Result<(), StoreError<F::Error>> {
        wait(self.store.load_training(net, trainer))
    }

    /// As [`AsyncStore::saves`].
    ///
    /// # Errors
    ///
    /// As there.
    pub fn saves(&mut self) -> Result<u32, StoreError<F::Error>> {
        wait(self.store.saves())
    }

    /// As [`AsyncStore::erase`].
    ///
    /// # Errors
    ///
    /// [`StoreError::Flash`].
    pub fn erase(&mut self) -> Result<(), StoreError<F::Error>> {
        wait(self.store.erase())
    }

    /// Gives the flash back.
    pub fn release(self) -> F {
        self.store.release().0
    }
}

/// Runs a future that never has to wait.
fn wait<R>(future: impl Future<Output = R>) -> R {
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(result) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            return result;
        }
    }
}

/// A flash whose functions end before they return, as one whose functions are `async`.
struct Blocking<F>(F);

impl<F: NorFlash> ErrorType for Blocking<F> {
    type Error = F::Error;
}

impl<F: NorFlash> asynchronous::ReadNorFlash for Blocking<F> {
    const READ_SIZE: usize = F::READ_SIZE;

    async fn read(&mut self, offset: u32, bytes: &mut [u8]) -> Result<(), F::Error> {
        self.0.read(offset, bytes)
    }

    fn capacity(&self) -> usize {
        self.0.capacity()
    }
}

impl<F: NorFlash> asynchronous::NorFlash for Blocking<F> {
    const WRITE_SIZE: usize = F::WRITE_SIZE;
    const ERASE_SIZE: usize = F::ERASE_SIZE;

    async fn erase(&mut self, from: u32, to: u32) -> Result<(), F::Error> {
        self.0.erase(from, to)
    }

    async fn write(&mut self, offset: u32, bytes: &[u8]) -> Result<(), F::Error> {
        self.0.write(offset, bytes)
    }
}
