//! Output files.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::recording::RecordingWriter;
use crate::{ProducedFrame, SimulatorConfig, SimulatorError};

/// The files, if any.
#[derive(Default)]
pub(crate) struct Outputs {
    expected: Option<(PathBuf, BufWriter<File>)>,
    recording: Option<(PathBuf, RecordingWriter)>,
}

impl Outputs {
    pub(crate) fn create(config: &SimulatorConfig) -> Result<Self, SimulatorError> {
        let mut outputs = Self::default();
        if let Some(path) = &config.expect_out {
            let file = File::create(path).map_err(at(path))?;
            outputs.expected = Some((path.clone(), BufWriter::new(file)));
        }
        if let Some(path) = &config.record_out {
            let writer = RecordingWriter::create(path).map_err(at(path))?;
            outputs.recording = Some((path.clone(), writer));
        }
        Ok(outputs)
    }

    pub(crate) fn write(&mut self, frames: &[ProducedFrame]) -> Result<(), SimulatorError> {
        for frame in frames {
            if let Some((path, writer)) = &mut self.recording {
                writer.write(&frame.bytes).map_err(at(path))?;
            }
            if let Some((path, file)) = &mut self.expected {
                for event in &frame.expected {
                    writeln!(file, "{}", event.to_line()).map_err(at(path))?;
                }
            }
        }
        if let Some((path, file)) = &mut self.expected {
            // A reader that follows the file sees whole lines only, and soon.
            file.flush().map_err(at(path))?;
        }
        Ok(())
    }

    pub(crate) fn finish(self) -> Result<(), SimulatorError> {
        if let Some((path, mut file)) = self.expected {
            file.flush().map_err(at(&path))?;
        }
        if let Some((path, writer)) = self.recording {
            writer.finish().map_err(at(&path))?;
        }
        Ok(())
    }
}

fn at(path: &Path) -> impl FnOnce(io::Error) -> SimulatorError {
    let path = path.to_owned();
    move |source| SimulatorError::File { path, source }
}
