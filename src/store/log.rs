//! The store itself, generated for blocking and for `async` flash drivers.

/// Defines a store: its name, the trait of its flash, and `async` and `.await` or nothing.
macro_rules! store {
    ($(#[$doc:meta])* $Store:ident, $NorFlash:path, [$($async:tt)*], [$($wait:tt)*]) => {
        $(#[$doc])*
        pub struct $Store<F: $NorFlash, const BUFFER: usize = 256> {
            flash: F,
            start: u32,
            pages: NonZeroU32,
            buffer: Buffer<BUFFER>,
        }

        impl<F: $NorFlash, const BUFFER: usize> fmt::Debug for $Store<F, BUFFER> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Store)).finish_non_exhaustive()
            }
        }

        defmt_shows!(
            [F: $NorFlash, const BUFFER: usize] $Store<F, BUFFER>:
            |_, f| defmt::write!(f, "{=str} {{ .. }}", stringify!($Store))
        );

        impl<F: $NorFlash> $Store<F> {
            /// A store in the bytes `range` of a flash: two or more whole pages, used for nothing
            /// else. They may hold anything before the first save.
            ///
            /// # Errors
            ///
            /// [`StoreError::Range`] if the range does not consist of pages of the flash.
            #[inline(always)]
            pub fn new(flash: F, range: Range<u32>) -> Result<Self, StoreError<F::Error>> {
                Self::with_buffer(flash, range)
            }
        }

        impl<F: $NorFlash, const BUFFER: usize> $Store<F, BUFFER> {
            const SIZES: Sizes =
                Sizes::new(F::READ_SIZE, F::WRITE_SIZE, F::ERASE_SIZE, BUFFER);

            /// [`new`](Self::new) with a buffer of another size, `Store::<_, 64>::with_buffer(..)`.
            ///
            /// # Errors
            ///
            /// As [`new`](Self::new).
            pub fn with_buffer(flash: F, range: Range<u32>) -> Result<Self, StoreError<F::Error>> {
                let pages = Self::SIZES.pages_in(&range, flash.capacity());
                let pages = pages.map_err(StoreError::Range)?;
                Ok(Self { flash, start: range.start, pages, buffer: Buffer([0; BUFFER]) })
            }

            /// Bytes of flash that a save of the parameters of `N` takes.
            #[must_use]
            pub const fn saved_bytes<N: Layer>() -> usize {
                const { expect_parameters::<N>() };
                Self::SIZES.saved_bytes(content::length::<N, ()>())
            }

            /// Bytes of flash that a save of the parameters of `N` and the state of `O` takes.
            #[must_use]
            pub const fn saved_training_bytes<N: Layer, O: Optimizer<N>>() -> usize {
                const { expect_parameters::<N>() };
                Self::SIZES.saved_bytes(content::length::<N, O::State>())
            }

            /// Saves the parameters of a network. The previous save is kept, too.
            ///
            /// # Errors
            ///
            /// [`StoreError::NotFinite`] if a parameter is NaN or infinite, [`StoreError::Full`],
            /// [`StoreError::OtherNetwork`] and [`StoreError::Version`] before anything is written;
            /// [`StoreError::Flash`] or [`StoreError::Worn`] if writing fails. The last save is
            /// then still there.
            pub $($async)* fn save<N: Layer>(
                &mut self,
                net: &N,
            ) -> Result<(), StoreError<F::Error>> {
                self.save_content(net, &(), None)$($wait)*
            }

            /// Saves the parameters of a network, and the state of its optimizer.
            ///
            /// An incomplete batch of a [`BatchTrainer`](crate::BatchTrainer) is not saved.
            ///
            /// # Errors
            ///
            /// As [`save`](Self::save), also if a value of the state is NaN or infinite; and
            /// [`StoreError::NotShown`] if [`Tensors::walk`] leaves out some of the state.
            pub $($async)* fn save_training<N, L, O, B>(
                &mut self,
                net: &N,
                trainer: &Trainer<N, L, O, B>,
            ) -> Result<(), StoreError<F::Error>>
            where
                N: Layer,
                L: Loss<N::Activation, N::Format>,
                O: Optimizer<N>,
            {
                const { expect_fingerprint::<N, O>() };
                self.save_content(net, trainer.state(), O::FINGERPRINT)$($wait)*
            }

            /// Loads the parameters of the newest intact save into a network.
            ///
            /// # Errors
            ///
            /// [`StoreError`] if there is none, or if it is of a different network type. The
            /// network is then unchanged; only if the flash fails half-way, after two successful
            /// reads, are some of the parameters new. A [`StoreError::Damaged`] may also come from
            /// a bit that was misread.
            pub $($async)* fn load<N: Layer>(
                &mut self,
                net: &mut N,
            ) -> Result<Loaded, StoreError<F::Error>> {
                let found = self.newest()$($wait)*?;
                self.load_content(net, &mut (), found)$($wait)*
            }

            /// Loads the parameters of the newest intact save into a network, and the state of the
            /// optimizer into a trainer.
            ///
            /// # Errors
            ///
            /// As [`load`](Self::load); and [`StoreError::OtherOptimizer`] if it was saved without
            /// optimizer state, or with that of a different optimizer. Network and trainer are then
            /// unchanged.
            pub $($async)* fn load_training<N, L, O, B>(
                &mut self,
                net: &mut N,
                trainer: &mut Trainer<N, L, O, B>,
            ) -> Result<Loaded, StoreError<F::Error>>
            where
                N: Layer,
                L: Loss<N::Activation, N::Format>,
                O: Optimizer<N>,
            {
                const { expect_fingerprint::<N, O>() };
                let found = self.newest()$($wait)*?;
                let ((_, header), _) = found;
                header.is_of(N::FINGERPRINT)?;
                header.is_with(O::FINGERPRINT)?;
                self.load_content(net, trainer.state_mut(), found)$($wait)*
            }

            /// The number of the newest intact save, 0 if there is none: saves are counted from 1,
            /// starting when the store is erased.
            ///
            /// # Errors
            ///
            /// [`StoreError::Flash`] or [`StoreError::Version`].
            pub $($async)* fn saves(&mut self) -> Result<u32, StoreError<F::Error>> {
                let (newest, _) = self.find()$($wait)*?;
                Ok(newest.map_or(0, |(_, header)| header.number))
            }

            /// Erases all saves, the newest last.
            ///
            /// # Errors
            ///
            /// [`StoreError::Flash`] or [`StoreError::Worn`] if a page could not be erased.
            pub $($async)* fn erase(&mut self) -> Result<(), StoreError<F::Error>> {
                let first = match self.find()$($wait)* {
                    Ok((Some((place, header)), _)) => Self::SIZES.page_after(place, header.length),
                    _ => 0,
                };
                let mut result = Ok(());
                for nth in 0..self.pages.get() {
                    let page = Self::SIZES.start_of(first.wrapping_add(nth) % self.pages);
                    let erased = match self.erase_page(page)$($wait)* {
                        Ok(()) => self.is_blank(page, Self::SIZES.page.get())$($wait)*,
                        Err(error) => Err(error),
                    };
                    match erased {
                        Ok(true) => {}
                        Ok(false) => result = result.and(Err(StoreError::Worn)),
                        Err(error) => result = Err(StoreError::Flash(error)),
                    }
                }
                result
            }

            /// Consumes the store and returns the flash driver.
            pub fn release(self) -> F {
                self.flash
            }

            /// The newest intact save, and the highest number that any save had.
            $($async)* fn find(
                &mut self,
            ) -> Result<(Option<Placed>, u32), StoreError<F::Error>> {
                let mut scan = Scan::new(u64::MAX);
                loop {
                    self.scan(&mut scan)$($wait)*.map_err(StoreError::Flash)?;
                    if let Some(found) = scan.version {
                        return Err(StoreError::Version { expected: record::VERSION, found });
                    }
                    let Some((place, header)) = scan.newest else {
                        return Ok((None, scan.highest));
                    };
                    let crc = self.sum(place, header.length)$($wait)*.map_err(StoreError::Flash)?;
                    if crc == Some(header.crc) {
                        return Ok((scan.newest, scan.highest));
                    }
                    scan = Scan::new(header.order());
                }
            }

            /// As [`find`](Self::find), but an error if there is no save.
            $($async)* fn newest(&mut self) -> Result<(Placed, u32), StoreError<F::Error>> {
                match self.find()$($wait)*? {
                    (Some(newest), highest) => Ok((newest, highest)),
                    (None, 0) => Err(StoreError::Empty),
                    (None, _) => Err(StoreError::Damaged),
                }
            }

            /// Scans every place where a header may be.
            $($async)* fn scan(&mut self, scan: &mut Scan) -> Result<(), F::Error> {
                let sizes = Self::SIZES;
                for nth in 0..self.pages.get() {
                    let (mut place, mut rest) = (sizes.start_of(nth), sizes.page.get());
                    while rest >= sizes.header {
                        let bytes = self.read(place, rest)$($wait)*?;
                        let done = scan.look(sizes, bytes, place);
                        place = place.wrapping_add(done);
                        rest = rest.saturating_sub(done);
                    }
                }
                Ok(())
            }

            $($async)* fn save_content<N: Layer, S: Tensors<Weight<N>>>(
                &mut self,
                net: &N,
                state: &S,
                optimizer: Option<u32>,
            ) -> Result<(), StoreError<F::Error>> {
                const { expect_parameters::<N>() };
                let (length, crc) = content::sum(net, state).ok_or(StoreError::NotFinite)?;
                if length != const { content::length::<N, S>() } {
                    return Err(StoreError::NotShown);
                }
                // No flash has room for more.
                let length = u32::try_from(length).unwrap_or(u32::MAX);
                let network = N::FINGERPRINT;
                let (newest, highest) = self.find()$($wait)*?;
                if let Some((_, header)) = newest {
                    header.is_of(network)?;
                }
                let number = highest.saturating_add(1);
                let mut header = Header { network, optimizer, number, attempt: 0, length, crc };
                let spots = Spots::new(Self::SIZES, self.pages, newest, length);
                let spots = spots.ok_or(StoreError::Full)?;
                let mut result = Err(StoreError::Worn);
                for attempt in 0..=spots.tries {
                    header.attempt = attempt;
                    let Some(spot) = spots.spot(Self::SIZES, self.pages, attempt) else {
                        continue;
                    };
                    match self.keep(net, state, spot, &header)$($wait)* {
                        Ok(true) => return Ok(()),
                        Ok(false) => {}
                        Err(error) => result = Err(StoreError::Flash(error)),
                    }
                }
                result
            }

            /// Writes a save; returns whether it could be verified.
            $($async)* fn keep<N: Layer, S: Tensors<Weight<N>>>(
                &mut self,
                net: &N,
                state: &S,
                spot: Spot,
                header: &Header,
            ) -> Result<bool, F::Error> {
                let (sizes, Spot { place, .. }) = (Self::SIZES, spot);
                for nth in 0..spot.erased {
                    self.erase_page(place.wrapping_add(sizes.start_of(nth)))$($wait)*?;
                }
                let mut rest = sizes.saved(header.length);
                if !self.is_blank(place, rest)$($wait)*? {
                    return Ok(false);
                }
                let (mut at, mut first) = (place.wrapping_add(sizes.header), 0);
                rest = rest.saturating_sub(sizes.header);
                while rest > 0 {
                    let piece = sizes.piece(at, rest);
                    content::copy(net, state, first, self.buffer.blank(piece));
                    self.write(at, piece)$($wait)*?;
                    first = first.saturating_add(piece as usize);
                    at = at.wrapping_add(piece);
                    rest = rest.saturating_sub(piece);
                }
                if self.sum(place, header.length)$($wait)*? != Some(header.crc) {
                    return Ok(false);
                }
                // The header makes it count.
                header.write(place, self.buffer.blank(sizes.header));
                self.write(place, sizes.header)$($wait)*?;
                Ok(header.is_in(self.read(place, sizes.header)$($wait)*?, place))
            }

            $($async)* fn load_content<N: Layer, S: Tensors<Weight<N>>>(
                &mut self,
                net: &mut N,
                state: &mut S,
                ((place, header), highest): (Placed, u32),
            ) -> Result<Loaded, StoreError<F::Error>> {
                const { expect_parameters::<N>() };
                header.is_of(N::FINGERPRINT)?;
                header.has(const { content::length::<N, S>() })?;
                // The first pass checks that all values are finite, the second sets them. Both
                // check the CRC, since a bit may be misread each time.
                for set in [false, true] {
                    let mut digest = Crc::new();
                    let (mut at, mut first) = (place.wrapping_add(Self::SIZES.header), 0);
                    let mut rest = header.length;
                    while rest > 0 {
                        let bytes =
                            self.read(at, rest)$($wait)*.map_err(StoreError::Flash)?;
                        digest.update(bytes);
                        if set {
                            content::fill(net, state, first, bytes);
                        } else if content::not_finite::<N>(bytes).is_some() {
                            return Err(StoreError::NotFinite);
                        }
                        let piece = record::length(bytes);
                        first = first.saturating_add(piece as usize);
                        at = at.wrapping_add(piece);
                        rest = rest.saturating_sub(piece);
                    }
                    if digest.value() != header.crc {
                        return Err(StoreError::Damaged);
                    }
                }
                let lost = (highest > header.number).then_some(highest);
                Ok(Loaded { number: header.number, lost })
            }

            /// CRC of the data of a save, if the range has room for it.
            $($async)* fn sum(&mut self, place: u32, length: u32) -> Result<Option<u32>, F::Error> {
                let header = Self::SIZES.header;
                if Self::SIZES.saved(length) > Self::SIZES.start_of(self.pages.get()) {
                    return Ok(None);
                }
                let (mut at, mut rest) = (place.wrapping_add(header), length);
                let mut digest = Crc::new();
                while rest > 0 {
                    let bytes = self.read(at, rest)$($wait)*?;
                    digest.update(bytes);
                    let piece = record::length(bytes);
                    at = at.wrapping_add(piece);
                    rest = rest.saturating_sub(piece);
                }
                Ok(Some(digest.value()))
            }

            /// Whether these bytes are erased.
            $($async)* fn is_blank(&mut self, place: u32, bytes: u32) -> Result<bool, F::Error> {
                let (mut at, mut rest) = (place, bytes);
                let (mut ones, mut zeros) = (true, true);
                while rest > 0 {
                    let bytes = self.read(at, rest)$($wait)*?;
                    for &byte in bytes {
                        ones &= byte == 0xff;
                        zeros &= byte == 0x00;
                    }
                    let piece = record::length(bytes);
                    at = at.wrapping_add(piece);
                    rest = rest.saturating_sub(piece);
                }
                Ok(ones || zeros)
            }

            /// Reads as many of these bytes as fit into the buffer.
            $($async)* fn read(&mut self, place: u32, bytes: u32) -> Result<&[u8], F::Error> {
                let address = self.address(place);
                let buffer = self.buffer.first(Self::SIZES.piece(place, bytes));
                self.flash.read(address, buffer)$($wait)*?;
                Ok(buffer.get(..bytes as usize).unwrap_or(buffer))
            }

            /// Writes the contents of the buffer.
            $($async)* fn write(&mut self, place: u32, bytes: u32) -> Result<(), F::Error> {
                let address = self.address(place);
                self.flash.write(address, self.buffer.first(bytes))$($wait)*
            }

            $($async)* fn erase_page(&mut self, place: u32) -> Result<(), F::Error> {
                let address = self.address(place);
                let end = address.wrapping_add(Self::SIZES.page.get());
                self.flash.erase(address, end)$($wait)*
            }

            /// The flash address of a place; places past the last page wrap to the first.
            fn address(&self, place: u32) -> u32 {
                let end = Self::SIZES.start_of(self.pages.get());
                self.start.wrapping_add(place.checked_sub(end).unwrap_or(place))
            }
        }
    };
}

pub(super) use store;
