// Runs inside the page: reads the clock that FFmpeg painted into each frame that the page's own video element shows,
// and notes when the sound's second marks are heard.
//
// The clock is 16 cells of 40 by 40 pixels along the upper edge of a picture 640 wide, the most significant bit first,
// white for one: centiseconds since unix second 1,760,000,000, modulo 65,536. It shares no code with the server.

export function installClock() {
  const CELLS = 16;
  const CELL_PX = 40;
  const EPOCH_S = 1_760_000_000;
  const MODULUS_CS = 65_536;
  // A viewer is never this late; what is read beyond it is a picture without a clock.
  const LATENCY_CS_MAX = 6_000;

  const record = { frames: [], unread: 0, stalls: [], errors: [], seeks: 0, marks: [], first: null };
  window.glass = record;

  const canvas = document.createElement("canvas");
  canvas.width = CELLS * CELL_PX;
  canvas.height = 1;
  const context = canvas.getContext("2d", { willReadFrequently: true });

  function paintedCentiseconds(video) {
    const scale = video.videoWidth / canvas.width;
    const middle = (CELL_PX / 2) * scale;
    context.drawImage(video, 0, middle, video.videoWidth, 1, 0, 0, canvas.width, 1);
    const pixels = context.getImageData(0, 0, canvas.width, 1).data;
    let value = 0;
    for (let cell = 0; cell < CELLS; cell += 1) {
      const luma = pixels[4 * (cell * CELL_PX + CELL_PX / 2) + 1];
      // A cell is black or white. Grey is another picture (a slate, the page's poster), not a time.
      if (luma > 80 && luma < 175) return undefined;
      value = value * 2 + (luma > 127 ? 1 : 0);
    }
    return value;
  }

  function watchVideo(video) {
    const onFrame = (_now, metadata) => {
      const shownMs = Date.now();
      const painted = paintedCentiseconds(video);
      const nowCs = Math.floor(shownMs / 10) - EPOCH_S * 100;
      const lateCs = painted === undefined ? MODULUS_CS : (((nowCs - painted) % MODULUS_CS) + MODULUS_CS) % MODULUS_CS;
      if (lateCs > LATENCY_CS_MAX) {
        record.unread += 1;
      } else {
        // From the start of the navigation.
        record.first ??= Math.round(performance.now());
        record.frames.push([shownMs, lateCs * 10, Math.round(metadata.mediaTime * 1000), metadata.presentedFrames]);
      }
      video.requestVideoFrameCallback(onFrame);
    };
    video.requestVideoFrameCallback(onFrame);
    // "waiting" while a seek is under way is the seek's own; every other one is a stall that a viewer sees.
    video.addEventListener("waiting", () => {
      if (record.frames.length > 0 && !video.seeking) record.stalls.push(Date.now());
    });
    video.addEventListener("seeking", () => (record.seeks += 1));
    video.addEventListener("error", () =>
      record.errors.push({ fatal: true, details: `video element: ${video.error?.message}`, at: Date.now() }),
    );
  }

  // A mark is the start of a short tone; kept with how late the picture is at that moment, so that a viewer's sound and
  // picture can be compared: [heard, picture late].
  function listen(video) {
    const LOUD = 0.1;
    const QUIET_MS = 300;
    // A picture older than that stands still and says nothing about the moment.
    const FRESH_MS = 100;
    const context = new AudioContext();
    const ear = context.createScriptProcessor(256, 1, 1);
    const source = context.createMediaElementSource(video);
    source.connect(ear);
    source.connect(context.destination);
    ear.connect(context.destination);
    let loudAt = 0;
    ear.onaudioprocess = ({ inputBuffer }) => {
      if (!inputBuffer.getChannelData(0).some((value) => Math.abs(value) > LOUD)) return;
      const heard = Date.now();
      const last = record.frames.at(-1);
      if (heard - loudAt > QUIET_MS && last && heard - last[0] < FRESH_MS) record.marks.push([heard, last[1]]);
      loudAt = heard;
    };
  }
  window.listen = () => listen(document.querySelector("video"));

  function watchPlayer(hls) {
    hls.on("hlsError", (_event, data) =>
      record.errors.push({ fatal: data.fatal, details: data.details, reason: data.reason ?? "", at: Date.now() }),
    );
  }

  // The page makes both in its own time.
  let player;
  let video;
  setInterval(() => {
    const element = document.querySelector("video");
    if (element && element !== video) watchVideo((video = element));
    const hls = window.backline?.hls;
    if (hls && hls !== player) watchPlayer((player = hls));
  }, 5);
}
