//! A role: the sections of the shared tree that one program reads.

use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::fragment::Fragment;

/// All settings of one role. [`role!`](crate::role) defines one.
pub trait Role: DeserializeOwned + Serialize {
    /// Its sections. Each field of the struct has the name of its section.
    const FRAGMENTS: &'static [Fragment];
    /// TOML with the defaults that differ from those of the fragments in this role.
    const DIFFERENT: &'static str;
}

/// Defines a struct whose fields are sections of the same name. An optional TOML text after it has the defaults that differ from
/// those of the fragments.
#[macro_export]
macro_rules! role {
    (
        $(#[$attribute:meta])*
        $visibility:vis struct $role:ident {
            $($(#[$about:meta])* $shown:vis $name:ident: $section:ty,)+
        }
        $($different:literal)?
    ) => {
        $(#[$attribute])*
        #[derive(Debug, Clone, ::serde::Serialize, ::serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        $visibility struct $role {
            $($(#[$about])* $shown $name: $section,)+
        }

        impl $crate::Role for $role {
            const FRAGMENTS: &'static [$crate::Fragment] =
                &[$(<$section as $crate::Section>::FRAGMENT,)+];
            const DIFFERENT: &'static str = concat!($($different)?);
        }
    };
}
