; Inno Setup script for Windows: iscc /DVersion=0.2.0 /DSource=dist\twinlens assets\installer\twinlens.iss
#ifndef Version
  #error Pass /DVersion=
#endif

[Setup]
AppId={{6B1E9C56-2C1B-4E7B-9C2B-7B7D1E1A9A51}
AppName=Twinlens
AppVersion={#Version}
AppPublisher=The Twinlens authors
DefaultDirName={autopf}\Twinlens
DefaultGroupName=Twinlens
PrivilegesRequired=lowest
OutputBaseFilename=twinlens-{#Version}-setup
SetupIconFile=..\icons\twinlens.ico
UninstallDisplayIcon={app}\twinlens.exe
Compression=lzma2
SolidCompression=yes
ArchitecturesInstallIn64BitMode=x64compatible
ChangesAssociations=yes
LicenseFile=..\..\LICENSE
InfoBeforeFile=research-use.txt

[Files]
Source: "{#Source}\*"; DestDir: "{app}"; Flags: recursesubdirs ignoreversion

[Icons]
Name: "{group}\Twinlens"; Filename: "{app}\twinlens.exe"
Name: "{autodesktop}\Twinlens"; Filename: "{app}\twinlens.exe"; Tasks: desktopicon

[Tasks]
Name: "desktopicon"; Description: "Put an icon on the desktop"; Flags: unchecked
Name: "openwith"; Description: "Offer Twinlens under ""Open with"" for DICOM (.dcm), PNG, JPEG, TIFF and BMP images"

[Registry]
Root: HKA; Subkey: "Software\Classes\.dcm\OpenWithProgids"; ValueType: string; ValueName: "Twinlens.image"; Flags: uninsdeletevalue; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\.png\OpenWithProgids"; ValueType: string; ValueName: "Twinlens.image"; Flags: uninsdeletevalue; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\.jpg\OpenWithProgids"; ValueType: string; ValueName: "Twinlens.image"; Flags: uninsdeletevalue; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\.jpeg\OpenWithProgids"; ValueType: string; ValueName: "Twinlens.image"; Flags: uninsdeletevalue; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\.tif\OpenWithProgids"; ValueType: string; ValueName: "Twinlens.image"; Flags: uninsdeletevalue; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\.tiff\OpenWithProgids"; ValueType: string; ValueName: "Twinlens.image"; Flags: uninsdeletevalue; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\.bmp\OpenWithProgids"; ValueType: string; ValueName: "Twinlens.image"; Flags: uninsdeletevalue; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Twinlens.image"; ValueType: string; ValueData: "Medical image"; Flags: uninsdeletekey; Tasks: openwith
Root: HKA; Subkey: "Software\Classes\Twinlens.image\shell\open\command"; ValueType: string; ValueData: """{app}\twinlens.exe"" ""%1"""; Tasks: openwith
