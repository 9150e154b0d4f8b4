//! Who sees the media beside the audience: the recording on the disk, the archive in object storage.

use std::sync::{Arc, Mutex, PoisonError};

use backline_examples::adapt::record::{self, RecordError, Recorder};
use backline_examples::compose::hls_cache::{Origin, Tapped};

use super::options::Options;

/// What watches one stage.
#[derive(Default)]
pub(crate) struct Taps {
    recorded: Option<Arc<record::Figures>>,
    recorder: Mutex<Option<Recorder>>,
    #[cfg(feature = "archive")]
    archive: archive::Slot,
}

impl Taps {
    /// Lets a recorder and an archive watch the origin, where that is wanted.
    pub(crate) fn open(
        options: &Options,
        stage: &str,
        origin: &mut Origin,
    ) -> Result<Self, RecordError> {
        let mut taps = Self::default();
        if let Some(folder) = &options.record {
            let recorder = Recorder::start(folder, stage)?;
            if let Some(mut feeder) = recorder.feeder() {
                origin.watch(Box::new(move |seen| match seen {
                    Tapped::Output(output, _) => feeder.take(output),
                    _ => feeder.cut(),
                }));
            }
            taps.recorded = Some(recorder.figures());
            taps.recorder = Mutex::new(Some(recorder));
        }
        #[cfg(feature = "archive")]
        if let Some(archive) = &options.archive {
            taps.archive = archive::Slot::open(archive, stage, origin);
        }
        Ok(taps)
    }

    /// Ends both after the show's end: waits for the disk, and for the network some time.
    pub(crate) async fn finish(&self) {
        let recorder = self
            .recorder
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        // Its drop waits.
        let recorded = tokio::task::spawn_blocking(move || drop(recorder));
        #[cfg(feature = "archive")]
        self.archive.finish().await;
        let _ = recorded.await;
    }

    /// Figures of the recording, in the order of their rows; 0 where nothing is recorded.
    pub(crate) fn recorded(&self) -> [u64; 6] {
        self.recorded
            .as_deref()
            .map_or([0; 6], record::Figures::all)
    }

    /// Figures of the archive, in the order of their rows; 0 where nothing is archived.
    pub(crate) fn archived(&self) -> [u64; 3] {
        #[cfg(feature = "archive")]
        return self.archive.figures();
        #[cfg(not(feature = "archive"))]
        [0; 3]
    }
}

#[cfg(feature = "archive")]
mod archive {
    use std::sync::{Arc, Mutex, PoisonError};

    use backline_examples::adapt::archive::{Archive, Figures, Sending};
    use backline_examples::compose::hls_cache::{Origin, Tapped};

    /// A stage's archive, if it has one.
    #[derive(Default)]
    pub(super) struct Slot {
        figures: Option<Arc<Figures>>,
        sending: Mutex<Option<Sending>>,
    }

    impl Slot {
        pub(super) fn open(archive: &Archive, stage: &str, origin: &mut Origin) -> Self {
            let (mut feeder, sending) = archive.start(stage);
            origin.watch(Box::new(move |seen| {
                if let Tapped::Output(output, presentation) = seen {
                    feeder.take(output, presentation);
                }
            }));
            Self {
                figures: Some(sending.figures()),
                sending: Mutex::new(Some(sending)),
            }
        }

        pub(super) async fn finish(&self) {
            let sending = self
                .sending
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take();
            if let Some(sending) = sending {
                sending.finish().await;
            }
        }

        pub(super) fn figures(&self) -> [u64; 3] {
            self.figures.as_deref().map_or([0; 3], Figures::all)
        }
    }
}
