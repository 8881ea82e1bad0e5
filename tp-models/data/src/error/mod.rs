//! What keeps data from becoming samples.

mod data;
mod row;
mod template;

pub use data::DataError;
pub use row::RowError;
pub use template::TemplateError;
