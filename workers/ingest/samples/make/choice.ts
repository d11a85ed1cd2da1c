/** Which images are samples: by collection, names of emoji (drawn in turn by the emoji sets) and of interface icons. */
export const choice: Record<string, { emoji: string; icons: string }> = {
  Animals: {
    emoji: `dog-face dog poodle guide-dog cat-face cat grinning-cat wolf fox lion tiger-face horse-face unicorn cow-face
      pig-face mouse-face hamster rabbit-face bear panda koala monkey-face gorilla chicken hatching-chick penguin owl eagle duck
      frog turtle snake dragon-face t-rex spouting-whale dolphin tropical-fish octopus shark crab snail butterfly bug honeybee
      lady-beetle spider elephant giraffe kangaroo hedgehog sloth paw-prints`,
    icons: 'dog cat fish bird paw bone',
  },
  Plants: {
    emoji: `bouquet cherry-blossom rose sunflower tulip seedling evergreen-tree deciduous-tree palm-tree cactus herb
      four-leaf-clover maple-leaf fallen-leaf mushroom hibiscus`,
    icons: 'leaf tree flower plant',
  },
  Weather: {
    emoji: `cloud-with-rain umbrella-with-rain-drops sun sun-with-face sun-behind-cloud cloud cloud-with-lightning
      cloud-with-lightning-and-rain cloud-with-snow snowflake snowman tornado rainbow fog wind-face umbrella full-moon crescent-moon
      star glowing-star fire droplet water-wave thermometer comet high-voltage`,
    icons: 'cloud-rain sun moon snowflake wind umbrella cloud-lightning thermometer',
  },
  Food: {
    emoji: `hot-beverage teacup-without-handle teapot grapes watermelon tangerine lemon banana pineapple red-apple
      green-apple pear peach cherries strawberry kiwi-fruit tomato coconut avocado eggplant carrot ear-of-corn hot-pepper broccoli
      garlic onion bread croissant baguette-bread pretzel pancakes cheese-wedge meat-on-bone hamburger french-fries pizza hot-dog
      sandwich taco burrito green-salad popcorn cooking pot-of-food spaghetti sushi fried-shrimp fortune-cookie soft-ice-cream
      ice-cream doughnut cookie chocolate-bar candy lollipop honey-pot glass-of-milk wine-glass cocktail-glass beer-mug
      clinking-beer-mugs cup-with-straw fork-and-knife`,
    icons: 'coffee pizza apple ice-cream cookie egg beer wine carrot soup',
  },
  Celebration: {
    emoji: `birthday-cake party-popper confetti-ball balloon wrapped-gift fireworks sparkler christmas-tree jack-o-lantern
      ribbon sparkles partying-face shortcake clinking-glasses bottle-with-popping-cork crown ring santa-claus nazar-amulet
      red-envelope`,
    icons: 'gift cake confetti balloon crown',
  },
  Hearts: {
    emoji: `red-heart orange-heart yellow-heart green-heart blue-heart purple-heart black-heart white-heart brown-heart
      broken-heart sparkling-heart growing-heart heart-with-arrow two-hearts heart-with-ribbon revolving-hearts beating-heart
      love-letter kiss-mark`,
    icons: 'heart heart-broken',
  },
  Faces: {
    emoji: `grinning-face face-with-tears-of-joy smiling-face-with-heart-eyes smiling-face-with-sunglasses winking-face
      thinking-face sleeping-face crying-face loudly-crying-face angry-face face-screaming-in-fear nauseated-face exploding-head
      cowboy-hat-face nerd-face robot ghost skull alien clown-face pile-of-poo zany-face hugging-face face-with-thermometer
      thumbs-up thumbs-down waving-hand clapping-hands folded-hands handshake ok-hand victory-hand flexed-biceps eyes brain tooth`,
    icons: 'mood-happy mood-sad user users baby-carriage',
  },
  Mail: {
    emoji: `envelope incoming-envelope e-mail envelope-with-arrow package postbox open-mailbox-with-raised-flag inbox-tray
      outbox-tray telephone telephone-receiver mobile-phone speech-balloon thought-balloon loudspeaker megaphone bell
      satellite-antenna`,
    icons: 'mail send inbox phone message message-circle bell at paperclip rss megaphone',
  },
  Work: {
    emoji: `laptop desktop-computer printer keyboard computer-mouse briefcase file-folder open-file-folder calendar
      chart-increasing chart-decreasing bar-chart clipboard pushpin paperclip straight-ruler scissors pencil memo open-book books
      notebook newspaper bookmark magnifying-glass-tilted-left light-bulb flashlight locked unlocked key hammer wrench gear
      toolbox magnet test-tube microscope telescope syringe pill stethoscope graduation-cap school balance-scale wastebasket
      alarm-clock hourglass-done stopwatch mantelpiece-clock battery electric-plug`,
    icons: `briefcase calendar clock clipboard file folder printer edit pencil book bookmark presentation chart-bar chart-line
      chart-pie tool settings key lock trash bulb microscope stethoscope school device-laptop`,
  },
  Money: {
    emoji: `money-bag dollar-banknote euro-banknote credit-card coin money-with-wings receipt gem-stone bank
      shopping-cart shopping-bags`,
    icons: 'credit-card wallet receipt pig-money coin shopping-cart shopping-bag discount tag',
  },
  Music: {
    emoji: `musical-note musical-notes musical-score guitar violin trumpet saxophone drum musical-keyboard accordion
      headphone microphone studio-microphone radio banjo speaker-high-volume long-drum maracas`,
    icons: 'music headphones microphone volume playlist guitar-pick',
  },
  Art: {
    emoji: `artist-palette framed-image paintbrush crayon performing-arts clapper-board camera movie-camera
      video-camera film-frames television joystick video-game game-die puzzle-piece teddy-bear chess-pawn magic-wand yarn thread
      crystal-ball`,
    icons: 'palette brush camera photo video movie color-swatch eraser device-gamepad puzzle',
  },
  Sport: {
    emoji: `soccer-ball basketball american-football baseball tennis volleyball rugby-football bowling field-hockey
      ping-pong badminton boxing-glove goal-net flag-in-hole ice-skate fishing-pole running-shirt skis sled curling-stone bullseye
      kite yo-yo trophy sports-medal 1st-place-medal bicycle roller-skate skateboard person-running person-swimming person-surfing`,
    icons: 'ball-football ball-basketball trophy medal bike barbell swimming run',
  },
  Travel: {
    emoji: `airplane helicopter rocket flying-saucer sailboat ship speedboat anchor automobile taxi bus police-car fire-engine
      ambulance delivery-truck tractor racing-car motorcycle motor-scooter locomotive high-speed-train metro tram
      vertical-traffic-light fuel-pump construction luggage world-map compass globe-showing-europe-africa mountain snow-capped-mountain
      volcano camping beach-with-umbrella desert-island national-park tent passport-control parachute`,
    icons: 'plane car bus train bike ship rocket map map-pin compass luggage tent world anchor',
  },
  Buildings: {
    emoji: `house house-with-garden office-building hospital hotel convenience-store factory castle japanese-castle
      wedding church mosque stadium cityscape night-with-stars bridge-at-night ferris-wheel roller-coaster tokyo-tower
      statue-of-liberty fountain bed couch-and-lamp toilet shower bathtub door chair brick`,
    icons: 'home building building-hospital building-store building-castle building-bridge bed door bath',
  },
  Clothes: {
    emoji: `t-shirt jeans dress necktie scarf gloves coat socks bikini backpack handbag running-shoe high-heeled-shoe
      womans-boot top-hat billed-cap glasses sunglasses lipstick`,
    icons: 'shirt hanger sunglasses shoe',
  },
  Interface: {
    emoji: `check-mark-button cross-mark warning no-entry stop-sign recycling-symbol red-question-mark
      red-exclamation-mark hundred-points radioactive peace-symbol infinity`,
    icons: `arrow-up arrow-down arrow-left arrow-right arrow-back-up arrows-maximize refresh rotate plus minus x check search
      zoom-in zoom-out menu-2 dots filter adjustments download upload cloud-upload share link external-link copy
      clipboard-check device-floppy player-play player-pause player-stop player-skip-forward eye eye-off login logout
      user-plus star thumb-up thumb-down flag info-circle alert-triangle help-circle shield wifi bluetooth battery
      power cpu database server code terminal bug git-branch git-merge qrcode fingerprint layout-grid list
      align-left bold italic crop ruler layers-intersect box package language moon-stars accessible`,
  },
}
