//! Lets binaries find libtorch at run time without `LD_LIBRARY_PATH`.

fn main() {
    if let Ok(lib) = std::env::var("DEP_TP_RUNTIME_LIBTORCH_LIB") {
        println!("cargo:rustc-link-arg=-Wl,-rpath,{lib}");
    }
}
