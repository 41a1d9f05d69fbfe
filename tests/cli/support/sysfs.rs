//! A sysfs tree as the kernel of a GPU node builds it, for the script that reads one.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::PathBuf;

use tempfile::TempDir;

/// A sysfs tree with the links of a real one.
pub(crate) struct Sysfs(TempDir);

impl Sysfs {
    pub(crate) fn new() -> Self {
        let sysfs = Self(TempDir::with_prefix("daily-gpu-log-sysfs-").expect("a directory"));
        fs::create_dir_all(sysfs.path("class/drm")).expect("a directory");
        fs::write(sysfs.path("class/drm/version"), "drm 1.1.0 20060810\n").expect("a file");
        sysfs
    }

    /// Where it is, for `--sysfs`.
    pub(crate) fn root(&self) -> &str {
        self.0.path().to_str().expect("UTF-8")
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.0.path().join(relative)
    }

    /// A device with a card, and that card's connector.
    pub(crate) fn device(&self, device: &str, card: u32, uevent: &str) -> PathBuf {
        let directory = self.path(&format!("devices/{device}"));
        let card = format!("card{card}");
        let connector = format!("drm/{card}/{card}-DP-1");
        fs::create_dir_all(directory.join(&connector)).expect("a directory");
        fs::write(directory.join("uevent"), uevent).expect("a file");
        let minor = format!("MAJOR=226\nDEVNAME=dri/{card}\nDEVTYPE=drm_minor\n");
        fs::write(directory.join(format!("drm/{card}/uevent")), minor).expect("a file");
        let (_, name) = device.rsplit_once('/').expect("a bus");
        let up = |path: &str, to: String| symlink(to, directory.join(path)).expect("a link");
        up(&format!("drm/{card}/device"), format!("../../../{name}"));
        up(&format!("{connector}/device"), format!("../../{card}"));
        for path in [format!("drm/{card}"), connector] {
            let (_, entry) = path.rsplit_once('/').expect("below drm");
            let link = self.path(&format!("class/drm/{entry}"));
            symlink(format!("../../devices/{device}/{path}"), link).expect("a link");
        }
        directory
    }

    /// A GPU behind a bridge of its own. Without a `unique_id`, its driver has no such file.
    pub(crate) fn gpu(self, address: &str, card: u32, unique_id: Option<&str>) -> Self {
        let uevent = format!(
            "DRIVER=amdgpu\nPCI_CLASS=120000\nPCI_ID=1002:74A1\nPCI_SUBSYS_ID=1002:74A1\n\
             PCI_SLOT_NAME={address}\nMODALIAS=pci:v00001002d000074A1\n"
        );
        let device = format!("pci0000:00/0000:00:01.1/{address}");
        let directory = self.device(&device, card, &uevent);
        if let Some(unique_id) = unique_id {
            fs::write(directory.join("unique_id"), unique_id).expect("a file");
        }
        self
    }

    /// A partition of a GPU, which is no PCI device and has no driver of its own.
    pub(crate) fn partition(self, number: u32, card: u32) -> Self {
        let device = format!("platform/amdgpu_xcp.{number}");
        self.device(&device, card, "MODALIAS=platform:amdgpu_xcp\n");
        self
    }

    /// The screen of the board's management controller.
    pub(crate) fn board(self) -> Self {
        let address = "0000:c2:00.0";
        let uevent = format!("DRIVER=ast\nPCI_CLASS=30000\nPCI_SLOT_NAME={address}\n");
        self.device(&format!("pci0000:c0/0000:c0:01.1/{address}"), 0, &uevent);
        self
    }
}
