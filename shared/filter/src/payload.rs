//! A filter as JSON: the payload of an options update, and the body of a request.

mod values;

use serde::de::MapAccess;

use self::values::Values;
use crate::go_json::{Fields, deserialize_fields};
use crate::{ClientMessage, Filter, FilterRequest, List, MessageError, Parameter};

impl Filter {
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
        Ok(Self::from_request(&request)?)
    }

    /// Parses the body of a request: such an object alone. A whole options update would parse as an empty filter that
    /// matches every event, so it is rejected.
    ///
    /// # Errors
    /// As [`Filter::from_json`].
    pub fn from_body(body: &[u8]) -> Result<Self, MessageError> {
        let text = std::str::from_utf8(body).map_err(|_| MessageError::Payload)?;
        let filter = Self::from_json(text)?;
        let is_wrapped = || !matches!(ClientMessage::parse(body), Ok(ClientMessage::Unknown));
        if filter == Self::default() && is_wrapped() {
            return Err(MessageError::Payload);
        }
        Ok(filter)
    }
}

#[derive(Debug, Default)]
struct Payload<'a> {
    lists: [Values<'a>; List::ALL.len()],
    max_message_bytes: i64,
}

impl<'a> Fields<'a> for Payload<'a> {
    const NAMES: &'static [&'static str] = &{
        let mut names = [Parameter::MaxMessageSizeBytes.name(); List::ALL.len() + 1];
        let mut at = 0;
        while at < List::ALL.len() {
            names[at] = List::ALL[at].name();
            at += 1;
        }
        names
    };

    fn read<A: MapAccess<'a>>(&mut self, field: usize, map: &mut A) -> Result<(), A::Error> {
        match List::ALL.get(field) {
            Some(list) => self.lists[field] = map.next_value_seed(Values::of(*list))?,
            None => {
                if let Some(bytes) = map.next_value()? {
                    self.max_message_bytes = bytes;
                }
            }
        }
        Ok(())
    }
}

deserialize_fields!(Payload);
