//! The DIDs of `wantedDids`.

use std::borrow::Cow;

use fanjet_event::Did;

use crate::{FilterRequest, List, OptionsError, PlcDid};

/// At least one DID. Sorted, without duplicates; in the first list if it has that form.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct WantedDids {
    pub(super) plc: Box<[PlcDid]>,
    pub(super) others: Box<[Did]>,
}

impl WantedDids {
    /// `None` if the list is empty.
    pub(super) fn read(request: &FilterRequest<'_>) -> Result<Option<Box<Self>>, OptionsError> {
        let list = List::WantedDids;
        let named = request.checked(list, Self::accept)?;
        let mut plc = Vec::with_capacity(named.len());
        let mut others = Vec::new();
        for value in named {
            match PlcDid::of(value) {
                Some(did) => plc.push(did),
                None => match Did::parse(&**value) {
                    Ok(did) => others.push(did),
                    Err(_) => return Err(OptionsError::value(list, value)),
                },
            }
        }
        plc.sort_unstable();
        plc.dedup();
        others.sort_unstable();
        others.dedup();
        let count = plc.len() + others.len();
        let wanted = Self {
            plc: plc.into(),
            others: others.iter().map(Did::shared).collect(),
        };
        Ok((count > 0).then(|| Box::new(wanted)))
    }

    /// Whether this is a DID.
    pub(super) fn accept(value: &str) -> bool {
        PlcDid::of(value).is_some() || Did::parse(value).is_ok()
    }

    /// The bytes of their texts.
    pub(super) fn bytes(&self) -> usize {
        let others: usize = self.others.iter().map(|did| did.as_str().len()).sum();
        self.plc.len() * PlcDid::TEXT_BYTES + others
    }

    pub(super) fn contain(&self, did: &str) -> bool {
        match PlcDid::of(did) {
            Some(did) => self.plc.binary_search(&did).is_ok(),
            None => self
                .others
                .binary_search_by(|wanted| wanted.as_str().cmp(did))
                .is_ok(),
        }
    }

    /// The texts, sorted.
    pub(super) fn values(&self) -> Vec<Cow<'static, str>> {
        let plc = self.plc.iter().map(ToString::to_string);
        let others = self.others.iter().map(|did| did.as_str().to_owned());
        let mut values: Vec<_> = plc.chain(others).map(Cow::Owned).collect();
        values.sort_unstable();
        values
    }
}
