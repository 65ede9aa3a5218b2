@echo off
rem Runs the craton tool of this checkout; builds it first when a source file is newer than the build.
setlocal
set "root=%~dp0"
set "tool=%root%artifacts\bin\Craton.Cli\release\craton.dll"
powershell -NoProfile -Command "$t = Get-Item -ErrorAction SilentlyContinue '%tool%'; if (-not $t) { exit 1 }; if (Get-ChildItem '%root%src' -Recurse -Include *.cs,*.csproj,*.props,*.html,*.yaml | Where-Object { $_.LastWriteTime -gt $t.LastWriteTime } | Select-Object -First 1) { exit 1 }"
if errorlevel 1 (
    dotnet build "%root%src\Craton.Cli" -c Release -v q --nologo 1>&2 || exit /b 1
    powershell -NoProfile -Command "(Get-Item '%tool%').LastWriteTime = Get-Date"
)
dotnet "%tool%" %*
