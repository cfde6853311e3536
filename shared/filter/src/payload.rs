//! A filter as JSON, and what may stand beside it: the payload of an options update, and the body of a request.

mod values;

use std::time::Duration;

use serde::de::MapAccess;

use self::values::Values;
use crate::go_json::{Fields, deserialize_fields};
use crate::{Filter, FilterRequest, List, MAX_DELAY_MS, MessageError, OptionsError, Parameter};

/// What a client wants from now on.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct OptionsUpdate {
    /// The events. What it does not name is not limited.
    pub filter: Filter,
    /// How long events may wait, so that fewer and larger pieces arrive; `None`: as before.
    pub max_delay: Option<Duration>,
}

impl OptionsUpdate {
    /// Parses a JSON object whose keys are the names of the query parameters. `null` is the empty object.
    ///
    /// # Errors
    /// [`MessageError::Payload`] if it is not one, [`MessageError::Options`] if its values are rejected.
    pub fn from_json(text: &str) -> Result<Self, MessageError> {
        let payload: Payload<'_> = serde_json::from_str(text).map_err(|_| MessageError::Payload)?;
        // Negative, or above `u32::MAX`: no limit.
        let mut request =
            FilterRequest::up_to(u32::try_from(payload.max_message_bytes).unwrap_or(0));
        for (list, values) in List::ALL.into_iter().zip(payload.lists) {
            let (values, named) = values.into_parts();
            request.set(list, values);
            request.count(list, named);
        }
        Ok(Self {
            filter: Filter::from_request(&request)?,
            max_delay: payload.max_delay_ms.map(delay_of).transpose()?,
        })
    }
}

fn delay_of(millis: i64) -> Result<Duration, OptionsError> {
    match u64::try_from(millis) {
        Ok(millis @ 0..=MAX_DELAY_MS) => Ok(Duration::from_millis(millis)),
        _ => Err(OptionsError::MaxDelay(millis.to_string())),
    }
}

#[derive(Debug, Default)]
struct Payload<'a> {
    lists: [Values<'a>; List::ALL.len()],
    max_message_bytes: i64,
    max_delay_ms: Option<i64>,
}

/// What stands behind the lists.
const NUMBERS: [Parameter; 2] = [Parameter::MaxMessageSizeBytes, Parameter::MaxDelayMs];

impl<'a> Fields<'a> for Payload<'a> {
    const NAMES: &'static [&'static str] = &{
        let mut names = [""; List::ALL.len() + NUMBERS.len()];
        let mut at = 0;
        while at < names.len() {
            names[at] = match at.checked_sub(List::ALL.len()) {
                None => List::ALL[at].name(),
                Some(number) => NUMBERS[number].name(),
            };
            at += 1;
        }
        names
    };

    fn read<A: MapAccess<'a>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error> {
        if let Some(list) = List::ALL.get(field) {
            self.lists[field] = map.next_value_seed(Values::of(*list))?;
        } else if let Some(number) = map.next_value()? {
            match NUMBERS[field - List::ALL.len()] {
                Parameter::MaxDelayMs => self.max_delay_ms = Some(number),
                _ => self.max_message_bytes = number,
            }
        }
        Ok(())
    }
}

deserialize_fields!(Payload);
