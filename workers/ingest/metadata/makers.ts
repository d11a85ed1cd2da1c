/** Captions that cameras and programs write into every file by themselves. */

const captions = new Set([
  'ascii',
  'acd systems digital imaging',
  'applemark',
  'cof',
  'casio computer co.,ltd',
  'casio computer co.,ltd.',
  'created by dcraw',
  'created with gimp',
  'created with the gimp',
  'dav',
  'dcim',
  'digital camera',
  'digital still camera',
  'dsc',
  'exif jpeg',
  'exif_jpeg_picture',
  'exif_jpeg_420',
  'exif_jpeg_422',
  'exif_jpeg_t422',
  'fbt',
  'file written by adobe photoshop',
  'hdr',
  'hdrpl',
  'hp photosmart',
  'intel(r) jpeg library',
  'jpeg',
  'jpeg image',
  'kodak digital still camera',
  'konica minolta digital camera',
  'lead technologies inc. v1.01',
  'mde',
  'minolta digital camera',
  'minolta dsc',
  'nikon digital camera',
  'olympus digital camera',
  'oznor',
  'oznorco',
  'pentax digital camera',
  'ptr',
  'qrf',
  'rbt',
  'rhdr',
  'samsung camera pictures',
  'samsung digital camera',
  'sanyo digital camera',
  'sdr',
  'sony dsc',
  'ydr',
])

const patterns = [
  // <Digimax S500 / Kenox S500 / Digimax Cyber 530>, <KENOX S630  / Samsung S630>
  /^<.*(digimax|kenox|samsung).*>$/i,
  /^(olympus|minolta|konica minolta|sony|nikon|kodak|samsung|sanyo|pentax|ricoh|hp|vivitar|polaroid|casio|fujifilm) (digital|dsc|camera)\b[\w .-]*$/i,
  // Suffixes that phones of Huawei add to name their mode.
  /^(oznor|cof|dav|sdr|rhdr|hdr|ptr|fbt|mde|vhdr)([a-zA-Z]{0,4}|_[a-z]+)$/,
  // A field that was filled with one character.
  /^([\s?._-])\1*$/,
]

/** Whether a caption is one that nobody wrote. */
export const isMakersDefault = (text: string): boolean => {
  const line = text.replace(/\s+/g, ' ').trim()
  return captions.has(line.toLowerCase()) || patterns.some((pattern) => pattern.test(line))
}
